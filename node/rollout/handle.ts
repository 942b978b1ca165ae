import type { RolloutMode } from '../../schemas/control/rollout-modes.ts'
import type { Config } from '../../src/config/settings.ts'
import {
  changeRollout,
  killRollout,
  ROLLOUT_SETTING,
  type RolloutAuthor,
  type RolloutControl,
  type RolloutOutcome,
  type RolloutVersion,
  versionOf,
} from '../../src/rollout/rollout-change.ts'
import { changedRollout, type RolloutChange } from '../../src/rollout/rollout-value.ts'
import type { Caches } from '../options.ts'
import { configuredRollout } from './rollout-parts.ts'

/** How much a node warms, and what was set for its service. */
export interface RolloutStatus {
  /** What holds on this node: the most careful of all that was set. */
  readonly mode: RolloutMode
  /** Why this node warms nothing, if the mode alone does not say it. */
  readonly offBecause: string | undefined
  readonly set: RolloutVersion
  /** Chains that were named and of which this node knows no pair. */
  readonly unknownChains: readonly string[]
  /** The effect that warming would have, in the current stretch of shadow or the last one. Ratios are hits ÷ reads. */
  readonly shadow: ShadowReport | undefined
}

/** The reads that a shadow has seen, and how many of them L1 answered, or would have answered with warming. */
export interface ShadowReport {
  readonly reads: number
  readonly hitRatio: number | undefined
  readonly hitRatioWithWarming: number | undefined
}

/** Shows the rollout and changes it, for all nodes of the service. */
export interface NodeRollout {
  status(): RolloutStatus
  /** Never rejects. `base`: the version that the author has seen. A change of a replay's node is its own. */
  set(change: RolloutChange, author?: Partial<RolloutAuthor>): Promise<RolloutOutcome>
  /** Nothing is warmed from now on: here at once, on the other nodes within a second. `set({ killed: false })` lifts it. */
  kill(author?: Partial<Omit<RolloutAuthor, 'base'>>): Promise<RolloutOutcome>
}

export interface HandleParts {
  readonly id: string
  readonly config: Config
  readonly caches: Pick<Caches, 'table' | 'rollout'> & { readonly shadow: Pick<Caches['shadow'], 'figures'> }
  /** Undefined before the start, and in a replay. */
  readonly control: () => RolloutControl | undefined
  readonly isReplay: boolean
}

const KILLED_ALONE =
  'the node has not started, so that no other node knows of the kill: this one warms nothing until it has read what is set'

export function rolloutHandle({ id, config, caches, control, isReplay }: HandleParts): NodeRollout {
  const { rollout, shadow, table } = caches
  const configured = configuredRollout(config)
  const alone = (value: typeof configured): RolloutVersion => ({ ...versionOf(undefined, value), by: id })
  return {
    status: () => {
      const { chains } = rollout.value
      const record = control()?.current(ROLLOUT_SETTING)
      return {
        ...{ mode: rollout.mode, offBecause: rollout.offBecause },
        set: record === undefined ? versionOf(undefined, rollout.value) : versionOf(record, configured),
        unknownChains: chains === 'all' ? [] : chains.filter((chain) => table.findChain(chain) < 0),
        shadow: shadowReport(shadow.figures),
      }
    },
    set: async (change, author = {}) => {
      const shared = control()
      const by = author.by ?? id
      if (shared !== undefined) return changeRollout(shared, { configured, of: { ...change } }, { ...author, by })
      if (!isReplay) return { status: 'failed', reason: 'the node has not started' }
      const changed = changedRollout(rollout.value, { ...change })
      if ('problems' in changed) return { status: 'refused', problems: changed.problems }
      rollout.set(changed.value)
      return { status: 'set', rollout: alone(changed.value) }
    },
    kill: async (author = {}) => {
      const killed = () => rollout.set({ ...rollout.value, killed: true })
      const shared = control()
      if (shared === undefined) {
        killed()
        return isReplay ? { status: 'set', rollout: alone(rollout.value) } : { status: 'failed', reason: KILLED_ALONE }
      }
      // Here it does not wait for Kafka.
      const kill = rollout.beginKill()
      const outcome = await killRollout(shared, configured, { ...author, by: author.by ?? id })
      if (outcome.status !== 'set') killed()
      kill.end()
      return outcome
    },
  }
}

/** The figures as ratios. */
export function shadowReport(figures: Caches['shadow']['figures']): ShadowReport | undefined {
  if (figures === undefined) return undefined
  const { reads, hits, hitsWithWarming } = figures
  const of = (part: number) => (reads === 0 ? undefined : part / reads)
  return { reads, hitRatio: of(hits), hitRatioWithWarming: of(hitsWithWarming) }
}
