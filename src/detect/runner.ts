import type { PriceUpdate } from '../../schemas/price-update.ts'
import type { Counter, Metrics } from '../telemetry/slab.ts'
import type { Detector } from './detector.ts'
import { BoundPrices, type PriceSources } from './prices.ts'

/**
 * Hands updates to detectors, in the process: adding a detector never causes a rebalance. Handlers of one pair run in
 * order; handlers of up to `concurrency` pairs may be waiting for their promises at once. A handler that throws, or
 * does not settle in time, is counted under its detector's name and never retried; the others go on.
 */
export interface RunnerOptions {
  readonly detectors: readonly Detector[]
  readonly sources: PriceSources
  readonly concurrency: number
  readonly timeoutMs: number
  readonly metrics: Metrics
  readonly onFailure: (failure: DetectorFailure) => void
}

export interface DetectorFailure {
  readonly detector: string
  readonly chain: string
  readonly pair: string
  /** What was thrown; undefined for a handler that did not settle in time. */
  readonly error?: unknown
}

/** One update on its way through the detectors. */
interface Run {
  readonly pairId: number
  readonly update: PriceUpdate
  readonly prices: BoundPrices
}

export class DetectorRunner {
  readonly #options: RunnerOptions
  readonly #errors: readonly Counter[]
  readonly #timeouts: readonly Counter[]
  /** Pairs whose handlers have not settled. */
  readonly #waiting = new Map<number, Promise<void>>()
  /** Called when one of them did. */
  #wake: (() => void) | undefined

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#errors = options.detectors.map(({ name }) =>
      options.metrics.counter('detector_errors_total', { detector: name }),
    )
    this.#timeouts = options.detectors.map(({ name }) =>
      options.metrics.counter('detector_timeouts_total', { detector: name }),
    )
  }

  /** Whether anybody here would look at it: an update that nobody wants is not made into an object. */
  wants(topic: string, chain: string): boolean {
    return this.#options.detectors.some((detector) => subscribed(detector, topic, chain))
  }

  /** The promise, if there is one, is to be awaited before the next update is handed in. */
  handle(topic: string, pairId: number, update: PriceUpdate): Promise<void> | undefined {
    const before = this.#waiting.get(pairId)
    if (before !== undefined)
      return this.#handleAfter(before, topic, { pairId, update, prices: this.#pricesFor(pairId) })
    this.#start(topic, { pairId, update, prices: this.#pricesFor(pairId) })
    return this.#waiting.size >= this.#options.concurrency ? this.#untilOneSettles() : undefined
  }

  /** Resolves when every handler settled or ran out of time. */
  async idle(): Promise<void> {
    while (this.#waiting.size > 0) await this.#untilOneSettles()
  }

  #pricesFor(pairId: number): BoundPrices {
    return new BoundPrices(this.#options.sources, pairId)
  }

  async #handleAfter(before: Promise<void>, topic: string, run: Run): Promise<void> {
    await before
    this.#start(topic, run)
    if (this.#waiting.size >= this.#options.concurrency) await this.#untilOneSettles()
  }

  #start(topic: string, run: Run): void {
    let promises: Promise<void>[] | undefined
    for (const [index, detector] of this.#options.detectors.entries()) {
      if (!subscribed(detector, topic, run.update.chain)) continue
      try {
        const promise = detector.detect(run.update, run.prices)
        if (promise === undefined) continue
        promises ??= []
        promises.push(this.#bounded(index, run, promise))
      } catch (error) {
        this.#failed(index, run, error)
      }
    }
    if (promises === undefined) this.#settled(run)
    else this.#await(run, promises)
  }

  #await(run: Run, promises: readonly Promise<void>[]): void {
    const all = Promise.all(promises).then(() => {
      this.#waiting.delete(run.pairId)
      this.#settled(run)
      this.#wake?.()
    })
    this.#waiting.set(run.pairId, all)
  }

  /** Never rejects: failure and time-out are counted here. */
  async #bounded(index: number, run: Run, promise: Promise<void>): Promise<void> {
    const { timeoutMs, onFailure, detectors } = this.#options
    let timer: NodeJS.Timeout | undefined
    const outOfTime = new Promise<'out-of-time'>((resolve) => {
      timer = setTimeout(() => resolve('out-of-time'), timeoutMs)
    })
    try {
      if ((await Promise.race([promise, outOfTime])) !== 'out-of-time') return
      this.#timeouts[index]?.add(1)
      onFailure({ detector: detectors[index]?.name ?? '', chain: run.update.chain, pair: run.update.pair })
      promise.catch((error: unknown) => this.#failed(index, run, error))
    } catch (error) {
      this.#failed(index, run, error)
    } finally {
      clearTimeout(timer)
    }
  }

  #failed(index: number, run: Run, error: unknown): void {
    this.#errors[index]?.add(1)
    this.#options.onFailure({
      detector: this.#options.detectors[index]?.name ?? '',
      chain: run.update.chain,
      pair: run.update.pair,
      error,
    })
  }

  #settled(run: Run): void {
    this.#options.sources.tracker.settle(run.pairId, run.prices.readEdges)
  }

  #untilOneSettles(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}

function subscribed(detector: Detector, topic: string, chain: string): boolean {
  return (detector.topics?.has(topic) ?? true) && (detector.chains?.has(chain) ?? true)
}
