import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Broker } from '../src/broker/port.ts'
import type { Clock } from '../src/clock.ts'
import type { Environment } from '../src/config/environment.ts'
import type { Overrides, Profile } from '../src/config/settings.ts'
import type { Detector } from '../src/detect/detector.ts'

export interface NodeOptions {
  readonly detectors?: readonly Detector[]
  /** Wins over environment, file, profile and defaults. */
  readonly config?: Overrides
  /** Instead of `forewarm.config.json`. */
  readonly configFile?: string
  readonly profile?: Profile
  readonly env?: Environment
  /** Instead of the Kafka of the configuration; stays open when the node closes. */
  readonly broker?: Broker
  /** `memory`: L2 is this process's own, and no Redis is asked. */
  readonly l2?: 'redis' | 'memory'
  /** Where a partition without a committed offset is read from; `latest` unless given. */
  readonly start?: 'earliest' | 'latest'
  /** Instead of the wall's: a virtual clock follows the records' timestamps. */
  readonly clock?: Clock
  /** Serves warm requests that a replay made: for a node that lives on nothing else, away from production's. */
  readonly acceptReplays?: boolean
  readonly random?: () => number
  /** Where spans go, instead of where OTEL_* sends them. The first SDK of a process serves all its nodes. */
  readonly spanProcessors?: readonly SpanProcessor[]
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}
