import type { ConfigProblem } from '../config/problem.ts'

/** What was set for all nodes of the service while they run. Version 0: nobody has set anything. */
export interface SetConfig {
  readonly version: number
  readonly by?: string
  readonly atMs?: number
  readonly reason?: string
  /** Values by the name of their setting. */
  readonly set: Readonly<Record<string, unknown>>
  /** Why this node does not take it, while others may; undefined if it does. */
  readonly refusedBecause?: string
}

/** A setting as it is in force on this node. */
export interface ShownSetting {
  readonly name: string
  /** As text; a secret is masked. */
  readonly value: string
  readonly origin: string
  /** Why a new value is taken at the next start alone; undefined if it can change while the node runs. */
  readonly atStart?: string | undefined
}

export interface AskedConfig extends Pick<SetConfig, 'set' | 'reason'> {
  readonly by: string
  /** The version that the caller has seen; whichever is in force unless given. */
  readonly base?: number | undefined
}

/** `lost`: another operator was faster. `refused`: nothing has changed. `failed`: Kafka did not take it. */
export type ConfigOutcome =
  | { readonly status: 'set' }
  | { readonly status: 'lost'; readonly winner: SetConfig }
  | { readonly status: 'refused'; readonly problems: readonly ConfigProblem[] }
  | { readonly status: 'failed'; readonly reason: string }

/** The settings of nodes that run. */
export interface ConfigOperations {
  inForce(): SetConfig
  settings(): readonly ShownSetting[]
  /** Replaces all that was set before, on all nodes of the service. */
  set(asked: AskedConfig): Promise<ConfigOutcome>
}
