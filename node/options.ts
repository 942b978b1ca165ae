import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Broker } from '../src/broker/port.ts'
import type { ForeignReads } from '../src/cache/foreign/foreign-reads.ts'
import type { Stamps } from '../src/cache/foreign/stamps.ts'
import type { Arrivals } from '../src/cache/freshness/arrivals.ts'
import type { Freshness } from '../src/cache/freshness/freshness.ts'
import type { Hierarchy } from '../src/cache/hierarchy.ts'
import type { FirstLevel } from '../src/cache/l1/first-level.ts'
import type { Upkeep } from '../src/cache/l1/upkeep.ts'
import type { Deletions } from '../src/cache/l2/deletions.ts'
import type { L2 } from '../src/cache/l2/l2.ts'
import type { PushBack } from '../src/cache/l2/push-back.ts'
import type { Kind } from '../src/cache/l2/value.ts'
import type { WriteBehind } from '../src/cache/l2/write-behind.ts'
import type { L3 } from '../src/cache/l3/l3.ts'
import type { PriceHistory } from '../src/cache/l3/price-history.ts'
import type { PairTable } from '../src/cache/names/pair-table.ts'
import type { PriceWriter } from '../src/cache/price-writer.ts'
import type { Promotion } from '../src/cache/promotion.ts'
import type { Sources } from '../src/cache/sources/sources.ts'
import type { Clock } from '../src/clock.ts'
import { oneOf } from '../src/config/check.ts'
import type { Environment } from '../src/config/environment.ts'
import { aClock, anObject, assertOptions, callable, type OptionsOf } from '../src/config/options.ts'
import type { Config, Overrides, Profile } from '../src/config/settings.ts'
import type { UnwrittenLeaders } from '../src/correlation/kept/unwritten-leaders.ts'
import type { WaitingLeaders } from '../src/correlation/kept/waiting-leaders.ts'
import type { MinedEdges } from '../src/correlation/mined/mined-edges.ts'
import type { Tracker } from '../src/correlation/tracker.ts'
import type { Detector } from '../src/detect/detector.ts'
import type { FormatRule } from '../src/formats/formats.ts'
import type { Mining } from '../src/mining/mining.ts'
import type { Rollout } from '../src/rollout/rollout.ts'
import type { Shadow } from '../src/rollout/shadow.ts'
import type { StrategyName } from '../src/strategy/named.ts'
import type { OwnStrategy } from '../src/strategy/own-strategy.ts'
import type { Log } from '../src/telemetry/log.ts'
import type { Metrics } from '../src/telemetry/slab.ts'
import type { Arms } from '../src/warming/arms/arms.ts'
import type { Comparison } from '../src/warming/arms/comparison.ts'
import type { ControlGroup } from '../src/warming/control-group.ts'
import type { Measurement } from '../src/warming/measurement.ts'
import type { NodePrediction } from './prediction.ts'

/** The options of `createNode`. Everything is optional. */
export interface NodeOptions {
  readonly detectors?: readonly Detector[]
  /** How the records of topics are read that are not written in our own format. They come before those of the file. */
  readonly formats?: readonly FormatRule[]
  /**
   * Decides which pairs are worth warming: a name, or a strategy of your own. It is `config.warming.strategy`, which it
   * overrides.
   */
  readonly strategy?: StrategyName | OwnStrategy
  /** Overrides environment, file, profile and defaults. */
  readonly config?: Overrides
  /** Instead of `forewarm.config.json`. */
  readonly configFile?: string
  readonly profile?: Profile
  readonly env?: Environment
  /** Instead of the Kafka of the configuration; stays open when the node closes. */
  readonly broker?: Broker
  /** `memory`: L2 is a table of this process, without Redis. */
  readonly l2?: 'redis' | 'memory'
  /** The first offset of a partition without a committed one. Default: KAFKA_START. */
  readonly start?: 'earliest' | 'latest'
  /** Instead of the wall clock. A virtual clock follows the records' timestamps. */
  readonly clock?: Clock
  /** Serves warm requests that come from a replay. For a test node that is apart from production. */
  readonly acceptReplays?: boolean
  readonly random?: () => number
  /** Takes the spans, instead of the exporter that OTEL_* names. The first SDK of a process serves all its nodes. */
  readonly spanProcessors?: readonly SpanProcessor[]
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

const NODE_OPTIONS: OptionsOf<NodeOptions> = {
  ...{
    detectors: true,
    formats: true,
    strategy: true,
    config: true,
    configFile: true,
    profile: true,
    env: anObject,
    broker: true,
    clock: aClock,
  },
  ...{ acceptReplays: true, random: callable, spanProcessors: true },
  l2: oneOf(['redis', 'memory']),
  start: oneOf(['earliest', 'latest']),
  logLevel: oneOf(['debug', 'info', 'warn', 'error', 'silent']),
}

/** The settings of the options. */
export function overridesOf({ strategy, config }: NodeOptions): Overrides | undefined {
  return strategy === undefined ? config : { ...config, warming: { ...config?.warming, strategy } }
}

export function assertNodeOptions(options: NodeOptions): void {
  assertOptions('createNode', options, NODE_OPTIONS)
}

/** The parts that a node's caches are made from. */
export interface CachesOptions extends Required<Pick<NodeOptions, 'clock' | 'random' | 'l2'>> {
  readonly config: Config
  readonly metrics: Metrics
  readonly log: Log
  /** Prices unless given. */
  readonly kind?: Kind
  /** False if updates do not wait for L2: as many rows may wait for it as there are pairs, and none is dropped. */
  readonly waitsForL2: boolean
  /** The name under which what is learned is written to Kafka. Without it, nothing is written or restored. */
  readonly keepsAs?: string
}

/** What nodes have learned of leaders: what waits here for its leader, and what is to be written. */
export interface Kept {
  readonly waiting: WaitingLeaders
  readonly unwritten: UnwrittenLeaders
}

/** The caches of a node and what learns beside them. Nothing has started yet. */
export interface Caches {
  readonly table: PairTable
  /** The partitions that updates come from, and up to which moment each was read. */
  readonly sources: Sources
  readonly arrivals: Arrivals
  /** Undefined in a replay, where nothing newer exists than what has been replayed. */
  readonly freshness: Freshness | undefined
  readonly l1: FirstLevel
  /** How often other threads have read L1. */
  readonly reads: SharedArrayBuffer
  readonly l2: L2
  readonly l3: L3 | undefined
  readonly history: PriceHistory | undefined
  readonly writeBehind: WriteBehind
  readonly hierarchy: Hierarchy
  readonly promotion: Promotion
  readonly tracker: Tracker
  /** What was learned, on its way from and to other nodes and runs. Undefined when it is not kept. */
  readonly kept: Kept | undefined
  /** Undefined when nothing is mined. */
  readonly mining: Mining | undefined
  readonly mined: MinedEdges | undefined
  readonly prediction: NodePrediction
  /** The share of the updates that warm nothing, and what the comparison with the rest shows. */
  readonly control: ControlGroup
  readonly measurement: Measurement
  /** How triggers are shared out between two strategies, and what the comparison of these shows. */
  readonly arms: Arms
  readonly comparison: Comparison
  /** How much is warmed, and what warming would bring while it is in shadow. */
  readonly rollout: Rollout
  readonly shadow: Shadow
  readonly upkeep: Upkeep
  readonly pushBack: PushBack
  /** What other nodes hear of this one, and what this one hears of them. Undefined where nobody else writes to L2. */
  readonly stamps: Stamps
  readonly foreign: ForeignReads | undefined
  readonly deletions: Deletions
  /** The way of updates and deletions into these caches. */
  readonly writer: PriceWriter
}
