import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Broker } from '../src/broker/port.ts'
import type { Clock } from '../src/clock.ts'
import { oneOf } from '../src/config/check.ts'
import type { Environment } from '../src/config/environment.ts'
import { assertOptions, type OptionsOf } from '../src/config/options.ts'
import type { Config, Overrides, Profile } from '../src/config/settings.ts'
import type { Detector } from '../src/detect/detector.ts'
import type { Log } from '../src/telemetry/log.ts'
import type { Metrics } from '../src/telemetry/slab.ts'

/** The options of `createNode`. Everything is optional. */
export interface NodeOptions {
  readonly detectors?: readonly Detector[]
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
  ...{ detectors: true, config: true, configFile: true, profile: true, env: true, broker: true, clock: true },
  ...{ acceptReplays: true, random: true, spanProcessors: true },
  l2: oneOf(['redis', 'memory']),
  start: oneOf(['earliest', 'latest']),
  logLevel: oneOf(['debug', 'info', 'warn', 'error', 'silent']),
}

export function assertNodeOptions(options: NodeOptions): void {
  assertOptions('createNode', options, NODE_OPTIONS)
}

/** The parts that a node's caches are made from. */
export interface CachesOptions extends Required<Pick<NodeOptions, 'clock' | 'random' | 'l2'>> {
  readonly config: Config
  readonly metrics: Metrics
  readonly log: Log
  /** False if updates do not wait for L2: as many rows may wait for it as there are pairs, and none is dropped. */
  readonly waitsForL2: boolean
}
