import type { Producer } from '../../src/broker/port.ts'
import { type Clock, isVirtual } from '../../src/clock.ts'
import type { Config } from '../../src/config/settings.ts'
import type { Detector } from '../../src/detect/detector.ts'
import { ReplayTurn } from '../../src/detect/replay-turn.ts'
import { DetectorRunner } from '../../src/detect/runner.ts'
import type { StrayErrors } from '../../src/detect/stray-errors.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import type { Interest } from '../../src/warming/interest.ts'
import type { Faults } from '../faults.ts'
import type { Caches } from '../options.ts'
import { createOutputs } from './outputs.ts'

export interface DetectionOptions {
  readonly config: Config
  readonly caches: Caches
  readonly clock: Clock
  readonly metrics: Metrics
  readonly detectors: readonly Detector[]
  readonly strayErrors: StrayErrors
  readonly faults: Faults
  readonly topics: { readonly outputs: ReadonlyMap<string, number> | undefined }
}

interface DetectionParts {
  readonly interest: Interest
  readonly producer: Producer
}

/** What runs the detectors of a node. */
export interface Detection {
  readonly runner: DetectorRunner
  readonly replay: ReplayTurn | undefined
  /** Ends the attempts to publish what detectors have found. */
  close(): void
}

export function createDetection(options: DetectionOptions, { interest, producer }: DetectionParts): Detection {
  const { config, caches, clock, metrics, strayErrors, faults, topics } = options
  const { roles, detectorConcurrency: concurrency, detectorTimeoutMs: timeoutMs } = config.node
  const detectors = roles.includes('detect') ? options.detectors : []
  const replay = isVirtual(clock) ? new ReplayTurn(clock) : undefined
  const ageSeconds = metrics.histogram('event_age_at_read_seconds')
  const { outputs, close } = createOutputs({ detectors, metrics, producer, faults, partitions: topics.outputs })
  const runner = new DetectorRunner({
    detectors,
    sources: { ...caches, interest, clock, ageSeconds, onRead: caches.prediction.onRead },
    ...{ concurrency, timeoutMs, metrics, replay, outputs },
    measurement: caches.measurement,
    functionOf: (detector) => strayErrors.marked(detector),
    onFailure: (failure) => faults.detectorFailed(failure),
  })
  return { runner, replay, close }
}
