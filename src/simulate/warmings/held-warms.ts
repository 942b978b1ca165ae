import { type Due, DueQueue } from '../../warming/due-queue.ts'
import { MAX_HOLD_MS, MAX_WAITING_PAIRS } from '../../warming/warmer.ts'
import type { Tally } from '../tally.ts'

interface Held extends Due {
  readonly pairId: number
  /** What is due: asking for the pair, or the arrival of what was asked for. */
  readonly what: 'request' | 'arrival'
  /** Who asked for it: a place in WARM_KINDS. */
  readonly kind: number
}

interface Hold {
  readonly nowMs: number
  readonly untilMs: number
  readonly kind?: number
}

/** Warms that wait: until they are worth asking for, and for their values. Times are in milliseconds. */
export class HeldWarms {
  readonly #tally: Tally
  readonly #warmMs: number
  readonly #queue = new DueQueue<Held>()

  constructor(options: { readonly tally: Tally; readonly warmMs: number }) {
    this.#tally = options.tally
    this.#warmMs = options.warmMs
  }

  /** As a node does: neither for ever nor without number. */
  hold(pairId: number, { nowMs, untilMs, kind = 0 }: Hold): void {
    if (untilMs > nowMs + MAX_HOLD_MS || this.#queue.size >= MAX_WAITING_PAIRS) return
    this.#queue.push({ pairId, what: 'request', kind, dueMs: untilMs, heapIndex: -1 })
  }

  /** Asks for what is neither there nor on its way. */
  request(pairId: number, nowMs: number, kind = 0): void {
    // What is asked for right before its read must not leave in between.
    this.#tally.policy.expect(pairId)
    if (!this.#tally.request(pairId)) return
    this.#queue.push({ pairId, what: 'arrival', kind, dueMs: nowMs + this.#warmMs, heapIndex: -1 })
  }

  /** Does what is due until now, the earliest first. */
  release(nowMs: number): void {
    for (let next = this.#queue.peek(); next !== undefined && next.dueMs <= nowMs; next = this.#queue.peek()) {
      this.#queue.remove(next)
      if (next.what === 'request') this.request(next.pairId, next.dueMs, next.kind)
      else this.#tally.arrive(next.pairId, next.kind)
    }
  }
}
