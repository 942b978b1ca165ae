import { type Due, DueQueue } from '../../warming/due-queue.ts'
import { MAX_HOLD_MS, MAX_WAITING_PAIRS } from '../../warming/warmer.ts'
import type { Tally } from '../tally.ts'

interface Held extends Due {
  readonly pairId: number
  /** The request for the pair, or the arrival of its value. */
  readonly what: 'request' | 'arrival'
  /** A place in WARM_KINDS. */
  readonly kind: number
}

interface Hold {
  readonly nowMs: number
  readonly untilMs: number
  readonly kind?: number
}

/** Warms that wait until their request is due, then for their value. Times are in milliseconds. */
export class HeldWarms {
  readonly #tally: Tally
  readonly #warmMs: number
  readonly #queue = new DueQueue<Held>()

  constructor(options: { readonly tally: Tally; readonly warmMs: number }) {
    this.#tally = options.tally
    this.#warmMs = options.warmMs
  }

  /** Holds a request until `untilMs`, with a node's bounds on the time and the number of requests. */
  hold(pairId: number, { nowMs, untilMs, kind = 0 }: Hold): void {
    if (untilMs > nowMs + MAX_HOLD_MS || this.#queue.size >= MAX_WAITING_PAIRS) return
    this.#queue.push({ pairId, what: 'request', kind, dueMs: untilMs, heapIndex: -1 })
  }

  /** Fetches the pair's value, unless it is there or on its way. */
  request(pairId: number, nowMs: number, kind = 0): void {
    // A pair that is there must not be evicted right before its read.
    this.#tally.policy.expect(pairId)
    if (!this.#tally.request(pairId, kind)) return
    this.#queue.push({ pairId, what: 'arrival', kind, dueMs: nowMs + this.#warmMs, heapIndex: -1 })
  }

  /** Does everything that is due by now, the earliest first. */
  release(nowMs: number): void {
    for (let next = this.#queue.peek(); next !== undefined && next.dueMs <= nowMs; next = this.#queue.peek()) {
      this.#queue.remove(next)
      if (next.what === 'request') this.request(next.pairId, next.dueMs, next.kind)
      else this.#tally.arrive(next.pairId, next.kind)
    }
  }
}
