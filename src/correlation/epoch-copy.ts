import type { WindowEntries } from './log-window.ts'
import { type Epoch, LogColumns, type LogMemory } from './update-log.ts'

/** An epoch's entries out of the log, by chain and in the order of their slices. */
export class EpochCopy {
  readonly #columns: LogColumns
  #events = new Int32Array(0)
  #slices = new Int32Array(0)
  #count = 0
  /** Entries that were overwritten before they were copied. */
  lost = 0

  constructor(memory: LogMemory) {
    this.#columns = new LogColumns(memory)
  }

  /** The chains that have entries in it, in the order of their ids. */
  take({ from, to }: Epoch): readonly WindowEntries[] {
    this.#copy(from, to)
    return this.#byChain().map(inOrder)
  }

  #copy(from: number, to: number): void {
    const { events, slices, size } = this.#columns
    const begin = Math.max(from, to - size)
    if (this.#events.length < to - begin) {
      this.#events = new Int32Array(to - begin)
      this.#slices = new Int32Array(to - begin)
    }
    for (let n = begin; n < to; n++) {
      this.#events[n - begin] = events[n % size] as number
      this.#slices[n - begin] = slices[n % size] as number
    }
    // Loaded after the copies: what was reserved by now may have been overwritten under them.
    const whole = Math.min(to, Math.max(begin, this.#columns.firstWhole()))
    this.lost += whole - from
    this.#leaveOutForgotten(begin, whole, to)
  }

  #leaveOutForgotten(begin: number, whole: number, to: number): void {
    const { forgotten } = this.#columns
    this.#count = 0
    for (let n = whole; n < to; n++) {
      const event = this.#events[n - begin] as number
      if (n < (forgotten[event >> 1] as number)) continue
      this.#events[this.#count] = event
      this.#slices[this.#count] = this.#slices[n - begin] as number
      this.#count++
    }
  }

  #byChain(): WindowEntries[] {
    // A copy, as a place may be given to a pair of another chain meanwhile.
    const chains = this.#columns.chains.slice()
    const counts = new Map<number, number>()
    for (let n = 0; n < this.#count; n++) {
      const chain = chains[(this.#events[n] as number) >> 1] as number
      counts.set(chain, (counts.get(chain) ?? 0) + 1)
    }
    const filling = new Map(
      [...counts]
        .sort(([a], [b]) => a - b)
        .map(([chain, count]) => [chain, { events: new Int32Array(count), slices: new Int32Array(count), count: 0 }]),
    )
    for (let n = 0; n < this.#count; n++) {
      const event = this.#events[n] as number
      const of = filling.get(chains[event >> 1] as number)
      if (of === undefined) continue
      of.events[of.count] = event
      of.slices[of.count] = this.#slices[n] as number
      of.count++
    }
    return [...filling.values()]
  }
}

/** Entries come nearly in order; where they don't, they are sorted, those of a slice as they came. */
function inOrder(entries: WindowEntries): WindowEntries {
  const { events, slices, count } = entries
  if (slices.every((slice, n) => n === 0 || (slices[n - 1] as number) <= slice)) return entries
  const first = slices.reduce((least, slice) => Math.min(least, slice))
  // Both in one number, as numbers are sorted without a call for each comparison.
  const keys = Float64Array.from(slices, (slice, n) => (slice - first) * count + n).sort()
  const order = Int32Array.from(keys, (key) => key % count)
  return { events: order.map((n) => events[n] as number), slices: order.map((n) => slices[n] as number), count }
}
