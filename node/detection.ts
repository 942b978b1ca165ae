import { isVirtual } from '../src/clock.ts'
import type { Detector } from '../src/detect/detector.ts'
import { ReplayTurn } from '../src/detect/replay-turn.ts'
import { DetectorRunner } from '../src/detect/runner.ts'
import type { StrayErrors } from '../src/detect/stray-errors.ts'
import type { Interest } from '../src/warming/interest.ts'
import type { Faults } from './faults.ts'
import type { TriggersParts } from './triggers.ts'

export interface DetectionOptions extends TriggersParts {
  readonly detectors: readonly Detector[]
  readonly strayErrors: StrayErrors
}

/** The detectors of a node, and the order that they run in if its clock is virtual. */
export interface Detection {
  readonly runner: DetectorRunner
  readonly replay: ReplayTurn | undefined
}

export function createDetection(
  { config, caches, clock, metrics, detectors, strayErrors }: DetectionOptions,
  { interest, faults }: { readonly interest: Interest; readonly faults: Faults },
): Detection {
  const replay = isVirtual(clock) ? new ReplayTurn(clock) : undefined
  const runner = new DetectorRunner({
    detectors: config.node.roles.includes('detect') ? detectors : [],
    sources: {
      ...caches,
      interest,
      clock,
      ageSeconds: metrics.histogram('event_age_at_read_seconds'),
      onRead: caches.prediction.onRead,
    },
    concurrency: config.node.detectorConcurrency,
    timeoutMs: config.node.detectorTimeoutMs,
    metrics,
    measurement: caches.measurement,
    replay,
    functionOf: (detector) => strayErrors.marked(detector),
    onFailure: (failure) => faults.detectorFailed(failure),
  })
  return { runner, replay }
}
