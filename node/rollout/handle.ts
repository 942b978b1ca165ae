import type { RolloutMode } from '../../schemas/control/rollout-modes.ts'
import type { Clock } from '../../src/clock.ts'
import type { Config } from '../../src/config/settings.ts'
import {
  changeRollout,
  killRollout,
  ROLLOUT_SETTING,
  type RolloutAuthor,
  type RolloutOutcome,
  type RolloutVersion,
  versionOf,
} from '../../src/rollout/rollout-change.ts'
import { changedRollout, type RolloutChange, type RolloutValue } from '../../src/rollout/rollout-value.ts'
import type { Caches } from '../options.ts'
import { type FollowingControl, isInForce, type KeptKill } from './kept-kill.ts'
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
  /**
   * Nothing is warmed from now on: here at once, on the other nodes within a second. `set({ killed: false })` lifts it.
   * If Kafka does not take it, the node goes on sending it until Kafka does, or it is lifted here.
   */
  kill(author?: Partial<Omit<RolloutAuthor, 'base'>>): Promise<RolloutOutcome>
}

export interface HandleParts {
  readonly id: string
  readonly config: Config
  readonly caches: Pick<Caches, 'table' | 'rollout'> & { readonly shadow: Pick<Caches['shadow'], 'figures'> }
  /** Undefined before the start, and in a replay. */
  readonly control: () => FollowingControl | undefined
  readonly kept: KeptKill
  readonly clock: Clock
  readonly isReplay: boolean
}

const NOT_STARTED = 'the node has not started'
const KEPT = 'this node warms nothing, and sends the kill until Kafka takes it'

export function rolloutHandle(parts: HandleParts): NodeRollout {
  const { id, config, caches, control, kept, isReplay } = parts
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
      if (!isReplay) {
        const changing = async (): Promise<RolloutOutcome> =>
          shared === undefined
            ? { status: 'failed', reason: NOT_STARTED }
            : changeRollout(shared, { configured, of: { ...change } }, { ...author, by })
        return change.killed === false ? kept.lift(changing) : changing()
      }
      const changed = changedRollout(rollout.value, { ...change })
      if ('problems' in changed) return { status: 'refused', problems: changed.problems }
      rollout.set(changed.value)
      return { status: 'set', rollout: alone(changed.value) }
    },
    kill: async (given = {}) => {
      if (isReplay) {
        rollout.set({ ...rollout.value, killed: true })
        return { status: 'set', rollout: alone(rollout.value) }
      }
      const author = { ...given, by: given.by ?? id }
      return killed(parts, configured, author)
    },
  }
}

/** Here a kill does not wait for Kafka. */
async function killed(
  { caches: { rollout }, control, kept, clock }: HandleParts,
  configured: RolloutValue,
  author: Omit<RolloutAuthor, 'base'>,
): Promise<RolloutOutcome> {
  const shared = control()
  const sinceMs = clock.now()
  const kill = rollout.beginKill()
  const outcome: RolloutOutcome =
    shared === undefined ? { status: 'failed', reason: NOT_STARTED } : await killRollout(shared, configured, author)
  if (isInForce(outcome)) kept.end('Kafka has taken another kill')
  else kept.keep(author, sinceMs)
  kill.end()
  return outcome.status === 'failed' ? { status: 'failed', reason: `${outcome.reason}; ${KEPT}` } : outcome
}

/** The figures as ratios. */
export function shadowReport(figures: Caches['shadow']['figures']): ShadowReport | undefined {
  if (figures === undefined) return undefined
  const { reads, hits, hitsWithWarming } = figures
  const of = (part: number) => (reads === 0 ? undefined : part / reads)
  return { reads, hitRatio: of(hits), hitRatioWithWarming: of(hitsWithWarming) }
}
