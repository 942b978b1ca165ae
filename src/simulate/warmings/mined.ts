import { defaultConfig } from '../../config/load.ts'
import { MinedEdges } from '../../correlation/mined/mined-edges.ts'
import { Tracker } from '../../correlation/tracker.ts'
import { Mining } from '../../mining/mining.ts'
import type { StrategyName } from '../../strategy/named.ts'
import type { OwnStrategy } from '../../strategy/own-strategy.ts'
import type { Timer } from '../../timer.ts'
import type { ReadOutcome } from '../tally.ts'
import type { PriceWarming, PriceWarmingOptions } from './price.ts'
import { TapeTriggers } from './tape-triggers.ts'

/** A whole log is mined in less time. A single update years ahead must not be waited for second by second. */
const LONGEST_GAP_MS = 600_000

/**
 * Warming as in a node that does not know to which update a read belongs. Updates, and reads that missed or would have
 * without a warm, go into the log. Stretches of it are mined in steps between updates, at the times at which a node would, and the
 * triggers go by what was found.
 */
export class MinedWarming implements PriceWarming {
  readonly #tracker: Tracker
  readonly #triggers: TapeTriggers
  readonly #timer = new TapeTimer()
  readonly #mining: Mining

  constructor(strategy: StrategyName | OwnStrategy, options: PriceWarmingOptions) {
    const { maxTrackedPairs, top, windowMs } = defaultConfig().correlation
    // Room for more pairs than there are would only take memory.
    const maxPairs = Math.min(options.tape.pairs, maxTrackedPairs)
    const mined = new MinedEdges({ maxPairs, windowMs })
    this.#tracker = new Tracker({ maxPairs, top, mined })
    this.#triggers = new TapeTriggers(strategy, this.#tracker, options)
    this.#mining = new Mining({
      edges: mined,
      timer: this.#timer.after,
      inThread: false,
      onThreadLost: () => undefined,
      onFailed: (error) => {
        throw error
      },
    })
  }

  release(nowMs: number): void {
    if (this.#timer.nowMs === undefined) {
      this.#timer.nowMs = nowMs
      this.#mining.start()
    }
    this.#timer.advance(nowMs)
    this.#triggers.release(nowMs)
  }

  update(pairId: number, _: number, nowMs: number): void {
    this.#tracker.observe(pairId, nowMs)
    this.#triggers.update(pairId, nowMs)
  }

  read(pairId: number, outcome: ReadOutcome): void {
    this.#tracker.readAlone(pairId)
    if (outcome !== 'hit') this.#tracker.missed(pairId, 0, this.#timer.nowMs ?? 0)
  }
}

/** A timer that goes by the times of the tape. One call is pending at a time. */
class TapeTimer {
  /** Undefined before the tape's first time. */
  nowMs: number | undefined
  #next: { readonly atMs: number; readonly run: () => void } | undefined

  readonly after: Timer = (delayMs, run) => {
    const next = { atMs: (this.nowMs ?? 0) + delayMs, run }
    this.#next = next
    return () => {
      if (this.#next === next) this.#next = undefined
    }
  }

  /** After a long silence, calls run for the first LONGEST_GAP_MS of it, and once more at its end. */
  advance(toMs: number): void {
    this.#run(Math.min(toMs, (this.nowMs ?? toMs) + LONGEST_GAP_MS))
    if (this.#next !== undefined && this.#next.atMs <= toMs) this.#fire(toMs)
    this.nowMs = toMs
  }

  #run(untilMs: number): void {
    while (this.#next !== undefined && this.#next.atMs <= untilMs) this.#fire(this.#next.atMs)
  }

  #fire(atMs: number): void {
    const next = this.#next
    this.#next = undefined
    this.nowMs = atMs
    next?.run()
  }
}
