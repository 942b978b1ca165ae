import { ForewarmError } from '../forewarm-error.ts'
import { entering, markNow, runUnmarked } from '../marked.ts'
import type { Metrics } from '../telemetry/slab.ts'
import type { Detector, OutputFunction } from './detector.ts'

/** An error of a detector's code that no handler's promise carried: a timer threw, an `await` was forgotten. */
export interface StrayError {
  /** The detector's name, that of a format, or the user's file for code that none of them started. */
  readonly detector: string
  readonly error: unknown
  /** The node ends because of it. */
  readonly ends: boolean
}

export interface StrayErrorsOptions {
  readonly metrics: Metrics
  /** Whether the first one ends the node and the process, or the node goes on. */
  readonly ends: boolean
  readonly onStray: (stray: StrayError) => void
  /** Drains and closes the node. */
  readonly close: () => Promise<void>
}

const EXIT_CODE = 1
/** The nodes that are told. While there is one, this file listens to the process. */
const running = new Set<StrayErrors>()
const OWN = ['src', 'node', 'consumers', 'producers', 'schemas', 'standalone'].map(
  (folder) => new URL(`../../${folder}/`, import.meta.url).href,
)

/** The detector, the format or the user's file whose code runs now; undefined for any other code. */
export function codeUnderMark(): string | undefined {
  const mark = markNow()
  return mark?.owner === undefined ? mark?.name : `detector ${mark.name}`
}

/**
 * Catches errors of detectors' code that would end the process. Every other error takes the way that it would take
 * without a node: to the application's handlers, or else it ends the process.
 */
export class StrayErrors {
  readonly #options: StrayErrorsOptions
  #isEnding = false
  /** Errors since the start. */
  count = 0

  constructor(options: StrayErrorsOptions) {
    this.#options = options
  }

  /** Unhandled rejections come this way, too, unless the application listens to them. */
  start(): void {
    if (running.size === 0) process.on('uncaughtException', caught)
    running.add(this)
  }

  /** A second call changes nothing. */
  close(): void {
    if (running.delete(this) && running.size === 0) process.off('uncaughtException', caught)
  }

  /** The detector's function, under its mark. */
  marked(detector: Detector): OutputFunction {
    const enter = entering({ name: detector.name, owner: this })
    const detect = detector.detect.bind(detector)
    return (update, prices) => enter(detect, update, prices)
  }

  /** An application with handlers of its own decides itself whether the process ends. */
  take(detector: string, error: unknown, isSeenByOthers: boolean): void {
    const { metrics, onStray, close } = this.#options
    this.count++
    const ends = this.#options.ends && !this.#isEnding
    metrics.counter('detector_errors_total', { detector }).add(1)
    onStray({ detector, error, ends })
    if (!ends) return
    this.#isEnding = true
    const end = () => (isSeenByOthers ? undefined : process.exit(EXIT_CODE))
    // The end is the node's, so it does not carry the detector's mark.
    runUnmarked(() => close().then(end, end))
  }
}

function caught(error: unknown): void {
  const mark = markNow()
  const isSeenByOthers = process.listenerCount('uncaughtException') > 1
  if (mark !== undefined && !isOurs(error)) {
    const told = mark.owner instanceof StrayErrors ? [mark.owner] : running
    for (const each of told) each.take(mark.name, error, isSeenByOthers)
    return
  }
  if (isSeenByOthers) return
  // Without this listener, Node does with the error what it always does: it prints the error and ends the process.
  process.off('uncaughtException', caught)
  process.nextTick(() => {
    throw error
  })
}

/**
 * Whether the error is a bug of this package: code of ours runs under a detector's mark, too, such as a read that goes
 * on to L2. Then every file on the stack is ours. An error that we throw on purpose is the caller's.
 */
function isOurs(error: unknown): boolean {
  const frames = stackOf(error).split('\n    at ').slice(1)
  const files = frames.filter((frame) => !/\bnode:|<anonymous>|\bnative\b/.test(frame))
  return files.length > 0 && files.every((frame) => OWN.some((folder) => frame.includes(folder)))
}

/** Empty for what is no error of ours. What a detector throws may throw in its turn when it is looked at. */
function stackOf(error: unknown): string {
  try {
    return error instanceof Error && !(error instanceof ForewarmError) ? String(error.stack) : ''
  } catch {
    return ''
  }
}
