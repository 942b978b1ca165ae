import type { PriceUpdate } from '../../schemas/price-update.ts'
import type { Counter, Metrics } from '../telemetry/slab.ts'
import { systemTimer, type Timer } from '../timer.ts'
import type { Measurement } from '../warming/measurement.ts'
import type { Detector, DetectorFunction } from './detector.ts'
import { BoundPrices, type PriceSources, type Prices } from './prices.ts'
import type { ReplayTurn } from './replay-turn.ts'
import { ReplayedPrices, type Withheld } from './replayed-prices.ts'

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
  /** In a replay: no read sees what is later than its update. */
  readonly replay?: Pick<ReplayTurn, 'asOfMs'> | undefined
  readonly onFailure: (failure: DetectorFailure) => void
}

export interface DetectorFailure {
  readonly detector: string
  readonly chain: string
  readonly pair: string
  /** The thrown value; absent for a handler that did not settle in time. */
  readonly error?: unknown
}

/** What went wrong with a detector since the start. */
export interface DetectorStats {
  readonly detector: string
  /** Calls that threw or rejected. */
  readonly errors: number
  /** Calls that did not settle in time. */
  readonly timeouts: number
  /** In a replay, reads after all handlers of their update had settled or were given up. */
  readonly readsTooLate: number
  /** In a replay of updates that are not in the order of time, reads that found a price of after their update. */
  readonly readsOfNewer: number
}

/** One update on its way through the detectors. */
interface Run {
  readonly topic: string
  readonly pairId: number
  readonly update: PriceUpdate
  readonly prices: BoundPrices
  /** In a replay, the same prices as each detector sees them. */
  readonly replayed: ReplayedPrices[] | undefined
}

/** The most updates in flight, waiting ones included, for each of the `concurrency` pairs. */
const RUNS_PER_PAIR = 16

export class DetectorRunner {
  readonly #options: RunnerOptions
  readonly #timer: Timer
  readonly #functions: readonly DetectorFunction[]
  readonly #errors: readonly Counter[]
  readonly #timeouts: readonly Counter[]
  readonly #withheld: Readonly<Record<Withheld, readonly Counter[]>>
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
    const withheld = (reason: Withheld) =>
      detectors.map(({ name }) => metrics.counter('replay_reads_withheld_total', { detector: name, reason }))
    this.#withheld = { 'too-late': withheld('too-late'), newer: withheld('newer') }
  }

  stats(): readonly DetectorStats[] {
    return this.#options.detectors.map(({ name }, index) => ({
      detector: name,
      errors: this.#errors[index]?.value ?? 0,
      timeouts: this.#timeouts[index]?.value ?? 0,
      readsTooLate: this.#withheld['too-late'][index]?.value ?? 0,
      readsOfNewer: this.#withheld.newer[index]?.value ?? 0,
    }))
  }

  /** Whether any detector subscribed to such updates. No object is made of an update that none wants. */
  wants(topic: string, chain: string): boolean {
    return this.#options.detectors.some((detector) => subscribed(detector, topic, chain))
  }

  /** Resolves when every handler has settled or ran out of time; never rejects. Undefined if all have already. */
  handle(topic: string, pairId: number, update: PriceUpdate): Promise<void> | undefined {
    const before = this.#last.get(pairId)
    const trigger = { pairId, eventTimeMs: update.eventTimeMs }
    const { sources, replay } = this.#options
    const replayed = replay && []
    // All detectors share it: one that changed it would change what the others see, and whether they are called.
    Object.freeze(update)
    const start = () => this.#start({ topic, pairId, update, prices: new BoundPrices(sources, trigger), replayed })
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
      const promise = run.replayed === undefined ? this.#call(index, run, run.prices) : this.#replayed(index, run)
      if (promise === undefined) continue
      promises ??= []
      promises.push(this.#bounded(index, run, promise))
    }
    if (promises !== undefined) return Promise.all(promises).then(() => this.#settled(run))
    this.#settled(run)
    return undefined
  }

  /** The handler's promise; undefined if it has returned none, or thrown. */
  #call(index: number, run: Run, prices: Prices): Promise<void> | undefined {
    try {
      const returned = this.#functions[index]?.(run.update, prices)
      // A thenable of the user's may lack what a promise has. A promise is passed as it is.
      return isPromise(returned) ? Promise.resolve(returned) : undefined
    } catch (error) {
      this.#failed(index, run, error)
      return undefined
    }
  }

  #replayed(index: number, run: Run): Promise<void> | undefined {
    const prices = new ReplayedPrices({
      prices: run.prices,
      asOfMs: this.#options.replay?.asOfMs(run.update.eventTimeMs) ?? Number.POSITIVE_INFINITY,
      onWithheld: (why) => this.#withheld[why][index]?.add(1),
    })
    run.replayed?.push(prices)
    return prices.settles(this.#call(index, run, prices))
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
    const { pairId, prices, update, replayed = [] } = run
    for (const each of replayed) each.end()
    sources.tracker.settle(pairId, prices.readEdges)
    measurement?.settled({ pairId, eventTimeMs: update.eventTimeMs }, prices.reads, prices.hits)
  }
}

/** A detector in JavaScript may return anything, such as the length of a list that it has pushed to. */
function isPromise(returned: unknown): returned is Promise<void> {
  if ((typeof returned !== 'object' && typeof returned !== 'function') || returned === null) return false
  return 'then' in returned && typeof returned.then === 'function'
}

function subscribed(detector: Detector, topic: string, chain: string): boolean {
  return (detector.topics?.has(topic) ?? true) && (detector.chains?.has(chain) ?? true)
}
