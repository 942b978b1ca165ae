import type { PriceUpdate } from '../../schemas/price-update.ts'
import type { TopicPartitionOffset } from '../broker/port.ts'
import type { Counter, Histogram, Metrics } from '../telemetry/slab.ts'
import { systemTimer, type Timer } from '../timer.ts'
import type { Measurement } from '../warming/measurement.ts'
import type { Detector, OutputFunction } from './detector.ts'
import type { Outputs } from './outputs.ts'
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
  readonly functionOf?: (detector: Detector) => OutputFunction
  /** In a replay: no read sees what is later than its update. */
  readonly replay?: Pick<ReplayTurn, 'asOfMs'> | undefined
  /** Publishes what the functions return. Without it, that is ignored. */
  readonly outputs?: Pick<Outputs, 'found' | 'foundLate' | 'room' | 'counts' | 'areWaiting'> | undefined
  readonly onFailure: (failure: DetectorFailure) => void
}

export interface DetectorFailure {
  readonly detector: string
  readonly chain: string
  readonly pair: string
  /** The thrown value; absent for a handler that did not settle in time. */
  readonly error?: unknown
}

/** What a detector has published since the start, and what went wrong. */
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
  /** What it returned and Kafka has acknowledged, if it has an output topic. */
  readonly outputs: number
  /** What it returned and was not published; `detector_outputs_refused_total` has the reasons. */
  readonly outputsRefused: number
}

/** One update on its way through the detectors. */
interface Run {
  readonly origin: TopicPartitionOffset
  readonly pairId: number
  readonly update: PriceUpdate
  readonly prices: BoundPrices
  /** In a replay, the same prices as each detector sees them. */
  readonly replayed: ReplayedPrices[] | undefined
  /** Settle when Kafka has what was found. */
  readonly sent: Promise<void>[] | undefined
  /** The duration of the slowest call that has settled so far. */
  slowestMs: number
}

/** One call of a detector. */
interface Call {
  readonly index: number
  readonly run: Run
  readonly beganMs: number
}

const FAILED = Symbol('the handler has thrown')
const OUT_OF_TIME = Symbol('the handler has not settled in time')

/** The most updates in flight, waiting ones included, for each of the `concurrency` pairs. */
const RUNS_PER_PAIR = 16

export class DetectorRunner {
  readonly #options: RunnerOptions
  readonly #timer: Timer
  readonly #functions: readonly OutputFunction[]
  readonly #seconds: readonly Histogram[]
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
    this.#seconds = detectors.map(({ name }) => metrics.histogram('detector_duration_seconds', { detector: name }))
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
      ...(this.#options.outputs?.counts(index) ?? { outputs: 0, outputsRefused: 0 }),
    }))
  }

  /** Whether what a detector returns is published. */
  get publishes(): boolean {
    return this.#options.outputs !== undefined
  }

  /** Whether Kafka has not taken all outputs. */
  get isHeldUp(): boolean {
    return this.#options.outputs?.areWaiting ?? false
  }

  /** Whether any detector subscribed to such updates. No object is made of an update that none wants. */
  wants(topic: string, chain: string): boolean {
    return this.#options.detectors.some((detector) => subscribed(detector, topic, chain))
  }

  /**
   * Resolves when every handler has settled or ran out of time, and Kafka has what they found; never rejects. Undefined
   * if all of that is so already.
   */
  handle(origin: TopicPartitionOffset, pairId: number, update: PriceUpdate): Promise<void> | undefined {
    const before = this.#last.get(pairId)
    const trigger = { pairId, eventTimeMs: update.eventTimeMs }
    const { sources, replay } = this.#options
    const replayed = replay && []
    const sent: Promise<void>[] | undefined = this.#options.outputs && []
    // All detectors share it: one that changed it would change what the others see, and whether they are called.
    Object.freeze(update)
    const start = () =>
      this.#start({ origin, pairId, update, prices: new BoundPrices(sources, trigger), replayed, sent, slowestMs: 0 })
    const run = before === undefined ? start() : before.then(start)
    if (run === undefined) return acknowledged(sent)
    this.#runs++
    const done: Promise<void> = run.then(() => this.#left(pairId, done))
    this.#last.set(pairId, done)
    return this.#options.outputs === undefined ? done : done.then(() => acknowledged(sent))
  }

  /** Must be awaited before the next update is handled. Undefined while there is room. */
  room(): Promise<void> | undefined {
    return this.#isFull() ? this.#untilRoom() : this.#options.outputs?.room()
  }

  #isFull(): boolean {
    const { concurrency } = this.#options
    return this.#last.size >= concurrency || this.#runs >= concurrency * RUNS_PER_PAIR
  }

  async #untilRoom(): Promise<void> {
    while (this.#isFull()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    await this.#options.outputs?.room()
  }

  #left(pairId: number, done: Promise<void>): void {
    this.#runs--
    if (this.#last.get(pairId) === done) this.#last.delete(pairId)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #start(run: Run): Promise<void> | undefined {
    let promises: Promise<void>[] | undefined
    for (const [index, detector] of this.#options.detectors.entries()) {
      if (!subscribed(detector, run.origin.topic, run.update.chain)) continue
      const call = { index, run, beganMs: performance.now() }
      const returned = run.replayed === undefined ? this.#call(call, run.prices) : this.#replayed(call)
      if (isPromise(returned)) {
        promises ??= []
        promises.push(this.#bounded(call, returned))
      } else this.#returned(call, returned)
    }
    if (promises !== undefined) return Promise.all(promises).then(() => this.#settled(run))
    this.#settled(run)
    return undefined
  }

  /** What the handler has returned; FAILED if it has thrown. */
  #call({ index, run }: Call, prices: Prices): unknown {
    try {
      const returned = this.#functions[index]?.(run.update, prices)
      // A thenable of the user's may lack what a promise has. A promise is passed as it is.
      return isPromise(returned) ? Promise.resolve(returned) : returned
    } catch (error) {
      this.#failed(index, run, error)
      return FAILED
    }
  }

  #replayed(call: Call): unknown {
    const { index, run } = call
    const prices = new ReplayedPrices({
      prices: run.prices,
      asOfMs: this.#options.replay?.asOfMs(run.update.eventTimeMs) ?? Number.POSITIVE_INFINITY,
      onWithheld: (why) => this.#withheld[why][index]?.add(1),
    })
    run.replayed?.push(prices)
    return prices.settles(this.#call(call, prices))
  }

  /** Never rejects: a failure and a time-out are counted here. */
  async #bounded(call: Call, promise: Promise<unknown>): Promise<void> {
    const { index, run } = call
    let cancel = (): void => undefined
    const outOfTime = new Promise<typeof OUT_OF_TIME>((resolve) => {
      cancel = this.#timer(this.#options.timeoutMs, () => resolve(OUT_OF_TIME))
    })
    try {
      const returned = await Promise.race([promise, outOfTime])
      if (returned !== OUT_OF_TIME) {
        this.#returned(call, returned)
        return
      }
      this.#timeouts[index]?.add(1)
      this.#tell(index, run)
      promise.then(
        (late) => this.#returnedLate(call, late),
        (error: unknown) => this.#rejected(call, error),
      )
    } catch (error) {
      this.#rejected(call, error)
    } finally {
      cancel()
    }
  }

  /** The handler has settled in time, or thrown. */
  #returned({ index, run, beganMs }: Call, value: unknown): void {
    const ms = performance.now() - beganMs
    run.slowestMs = Math.max(run.slowestMs, ms)
    this.#seconds[index]?.record(ms / 1000)
    const sent = value === FAILED ? undefined : this.#options.outputs?.found(index, run, value)
    if (sent !== undefined) run.sent?.push(sent)
  }

  #returnedLate({ index, run, beganMs }: Call, value: unknown): void {
    this.#seconds[index]?.record((performance.now() - beganMs) / 1000)
    this.#options.outputs?.foundLate(index, run, value)
  }

  #rejected(call: Call, error: unknown): void {
    this.#failed(call.index, call.run, error)
    this.#returned(call, FAILED)
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
    const { pairId, prices, update, slowestMs, replayed = [] } = run
    for (const each of replayed) each.end()
    sources.tracker.settle(pairId, prices.readEdges)
    measurement?.settled({ pairId, eventTimeMs: update.eventTimeMs, slowestMs }, prices.reads, prices.hits)
  }
}

/** A detector in JavaScript may return anything, such as the length of a list that it has pushed to. */
function isPromise(returned: unknown): returned is Promise<unknown> {
  if ((typeof returned !== 'object' && typeof returned !== 'function') || returned === null) return false
  return 'then' in returned && typeof returned.then === 'function'
}

function subscribed(detector: Detector, topic: string, chain: string): boolean {
  return (detector.topics?.has(topic) ?? true) && (detector.chains?.has(chain) ?? true)
}

/** Undefined if nothing was sent. */
function acknowledged(sent: readonly Promise<void>[] = []): Promise<void> | undefined {
  return sent.length === 0 ? undefined : Promise.all(sent).then(() => undefined)
}
