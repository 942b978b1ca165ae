import type { WarmResult } from '../../schemas/warm-result.ts'
import type { HierarchyStats } from '../../src/cache/hierarchy-stats.ts'
import type { Optimized } from '../../src/cache/optimizer.ts'
import type { LoadedConfig } from '../../src/config/load.ts'
import type { Origin } from '../../src/config/problem.ts'
import { type Config, type Overrides, SETTING_PLACES } from '../../src/config/settings.ts'
import type { SharedPrices } from '../../src/detect/attached-prices.ts'
import type { NodePredictor } from '../../src/prediction/node-predictor.ts'
import type { SchedulesStatus } from '../../src/schedules/status.ts'
import type { FollowingOptions, FollowingPair } from '../pairs-to-warm.ts'
import type { NodeRollout } from '../rollout/handle.ts'
import type { NodeStats } from '../stats.ts'

/** A node: consumers, caches, detectors and HTTP of one process. */
export interface ForewarmNode {
  readonly id: string
  /** The settings that count now. */
  readonly config: Config
  /**
   * Resolves when the node reads. Rejects with a ForewarmError: 'kafka-unreachable', 'topics-unusable', 'port-unusable',
   * 'bad-config' if patterns cannot be saved to PATTERN_STORE.
   * A node that could not start is closed, its ports and connections free; a closed node's start rejects with 'closed'.
   */
  start(): Promise<void>
  /**
   * Drains for at most DRAIN_TIMEOUT_MS, commits, writes what is pending to L2, and closes the parts in reverse order.
   * May be called twice. Rejects with a ForewarmError 'patterns-not-saved', everything closed, if that save failed.
   */
  close(): Promise<void>
  /** Warms these pairs on this node alone. */
  warm(chain: string, pairs: readonly string[]): Promise<WarmResult>
  /** Whether the pair is in L1 now. Not counted as a read. */
  has(chain: string, pair: string): boolean
  /**
   * The pairs that an update of this pair would warm, likeliest first, each with its reason. Empty when nothing is known.
   * Throws a ForewarmError 'bad-value' for options that are out of range.
   */
  pairsToWarm(chain: string, pair: string, options?: FollowingOptions): readonly FollowingPair[]
  /**
   * Changes settings of this node while it runs, with effect from the next update on: those that docs/configuration.md
   * calls changeable. A value of `undefined` takes an earlier change back. Throws a ForewarmError 'bad-config' that names
   * every fault; then nothing has changed.
   */
  updateConfig(changes: Overrides): NodeConfig
  getConfig(): NodeConfig
  stats(): NodeStats
  /** Demand reads by level, as `GET /cache/hierarchy/stats` shows them. */
  hierarchyStats(): HierarchyStats
  /** The schedules of the service: when each runs next and how its last run went, as `GET /warming/status` shows them. */
  schedules(): SchedulesStatus
  /** Predicts reads from the history of the detectors' reads. */
  readonly predictor: NodePredictor
  /** How much is warmed; `forewarm rollout` shows and sets the same. */
  readonly rollout: NodeRollout
  /** Loads into L1 what is often read and missing, and evicts what is not read when slots are short. */
  optimize(): Promise<Optimized>
  /**
   * For `attachPrices` in worker threads of this process: the memory itself, no copy. Throws a ForewarmError 'refused'
   * if CACHE_USE_PRICE_MATRIX is off.
   */
  readonly sharedPrices: SharedPrices
  /**
   * One hash over the newest value of each pair. `forewarm record` and a replay compute the same hash from the records.
   * Throws a ForewarmError 'refused' while L2 is away.
   */
  stateHash(): Promise<string>
  /** The port that the HTTP side listens on. Undefined before the start and without the role `api`. */
  readonly httpPort: number | undefined
}

/** The settings that count now, and where each came from, by its name in the environment. */
export interface NodeConfig {
  readonly config: Config
  readonly origins: Readonly<Record<string, Origin>>
}

export function nodeConfig({ config, origin }: LoadedConfig): NodeConfig {
  return { config, origins: Object.fromEntries(SETTING_PLACES.map(({ row }) => [row.name, origin(row.name)])) }
}
