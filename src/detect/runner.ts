import type { PriceUpdate } from '../../schemas/price-update.ts'
import type { Counter, Metrics } from '../telemetry/slab.ts'
import { systemTimer, type Timer } from '../timer.ts'
import type { Measurement } from '../warming/measurement.ts'
import type { Detector, DetectorFunction } from './detector.ts'
import { BoundPrices, type PriceSources } from './prices.ts'

/**
 * Calls detectors for updates. This is internal to the node, so adding a detector never causes a rebalance. Handlers of
 * one pair run in order; handlers of up to `concurrency` pairs may await something at the same time. A handler that
 * throws or does not settle in time is counted under its detector's name and never retried; the others go on.
 */
export interface RunnerOptions {
  readonly detectors: readonly Detector[]
  readonly sources: PriceSources
  readonly concurrency: number
  readonly timeoutMs: number
  readonly metrics: Metrics
  /** Counts the reads of each update's handlers. */
  readonly measurement?: Pick<Measurement, 'settled'> | undefined
  readonly timer?: Timer
  /** The function to call for a detector: its own unless given. */
  readonly functionOf?: (detector: Detector) => DetectorFunction
  readonly onFailure: (failure: DetectorFailure) => void
}

export interface DetectorFailure {
  readonly detector: string
  readonly chain: string
  readonly pair: string
  /** The thrown value; absent for a handler that did not settle in time. */
  readonly error?: unknown
}

/** One update on its way through the detectors. */
interface Run {
  readonly topic: string
  readonly pairId: number
  readonly update: PriceUpdate
  readonly prices: BoundPrices
}

/** The most updates in flight, waiting ones included, for each of the `concurrency` pairs. */
const RUNS_PER_PAIR = 16

export class DetectorRunner {
  readonly #options: RunnerOptions
  readonly #timer: Timer
  readonly #functions: readonly DetectorFunction[]
  readonly #errors: readonly Counter[]
  readonly #timeouts: readonly Counter[]
  /** The last run of each pair that has not settled. */
  readonly #last = new Map<number, Promise<void>>()
  #runs = 0
  #waiting: (() => void)[] = []

  constructor(options: RunnerOptions) {
    const { detectors, metrics, functionOf = (of) => of.detect.bind(of) } = options
    this.#functions = detectors.map(functionOf)
    this.#options = options
    this.#timer = options.timer ?? systemTimer
    this.#errors = detectors.map(({ name }) => metrics.counter('detector_errors_total', { detector: name }))
    this.#timeouts = detectors.map(({ name }) => metrics.counter('detector_timeouts_total', { detector: name }))
  }

  /** Whether any detector subscribed to such updates. No object is made of an update that none wants. */
  wants(topic: string, chain: string): boolean {
    return this.#options.detectors.some((detector) => subscribed(detector, topic, chain))
  }

  /** Resolves when every handler has settled or ran out of time; never rejects. Undefined if all have already. */
  handle(topic: string, pairId: number, update: PriceUpdate): Promise<void> | undefined {
    const before = this.#last.get(pairId)
    const trigger = { pairId, eventTimeMs: update.eventTimeMs }
    const start = () => this.#start({ topic, pairId, update, prices: new BoundPrices(this.#options.sources, trigger) })
    const run = before === undefined ? start() : before.then(start)
    if (run === undefined) return undefined
    this.#runs++
    const done: Promise<void> = run.then(() => this.#left(pairId, done))
    this.#last.set(pairId, done)
    return done
  }

  /** Must be awaited before the next update is handled. Undefined while there is room. */
  room(): Promise<void> | undefined {
    return this.#isFull() ? this.#untilRoom() : undefined
  }

  #isFull(): boolean {
    const { concurrency } = this.#options
    return this.#last.size >= concurrency || this.#runs >= concurrency * RUNS_PER_PAIR
  }

  async #untilRoom(): Promise<void> {
    while (this.#isFull()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #left(pairId: number, done: Promise<void>): void {
    this.#runs--
    if (this.#last.get(pairId) === done) this.#last.delete(pairId)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #start(run: Run): Promise<void> | undefined {
    let promises: Promise<void>[] | undefined
    for (const [index, detector] of this.#options.detectors.entries()) {
      if (!subscribed(detector, run.topic, run.update.chain)) continue
      try {
        const promise = this.#functions[index]?.(run.update, run.prices)
        if (promise === undefined) continue
        promises ??= []
        promises.push(this.#bounded(index, run, promise))
      } catch (error) {
        this.#failed(index, run, error)
      }
    }
    if (promises !== undefined) return Promise.all(promises).then(() => this.#settled(run))
    this.#settled(run)
    return undefined
  }

  /** Never rejects: a failure and a time-out are counted here. */
  async #bounded(index: number, run: Run, promise: Promise<void>): Promise<void> {
    let cancel = (): void => undefined
    const outOfTime = new Promise<'out-of-time'>((resolve) => {
      cancel = this.#timer(this.#options.timeoutMs, () => resolve('out-of-time'))
    })
    try {
      if ((await Promise.race([promise, outOfTime])) !== 'out-of-time') return
      this.#timeouts[index]?.add(1)
      this.#tell(index, run)
      promise.catch((error: unknown) => this.#failed(index, run, error))
    } catch (error) {
      this.#failed(index, run, error)
    } finally {
      cancel()
    }
  }

  #failed(index: number, run: Run, error: unknown): void {
    this.#errors[index]?.add(1)
    this.#tell(index, run, { error })
  }

  #tell(index: number, { update }: Run, what: { readonly error?: unknown } = {}): void {
    const detector = this.#options.detectors[index]?.name ?? ''
    this.#options.onFailure({ detector, chain: update.chain, pair: update.pair, ...what })
  }

  #settled(run: Run): void {
    const { sources, measurement } = this.#options
    const { pairId, prices, update } = run
    sources.tracker.settle(pairId, prices.readEdges)
    measurement?.settled({ pairId, eventTimeMs: update.eventTimeMs }, prices.reads, prices.hits)
  }
}

function subscribed(detector: Detector, topic: string, chain: string): boolean {
  return (detector.topics?.has(topic) ?? true) && (detector.chains?.has(chain) ?? true)
}
