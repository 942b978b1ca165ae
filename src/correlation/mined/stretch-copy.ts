import type { WindowEntries } from './log-window.ts'
import { PIECE, PIECE_COST, type Pieces } from './pieces.ts'
import { LogColumns, type LogMemory, MAX_CHAINS, pairOf, type Stretch } from './update-log.ts'

/** Entries over fewer slices are put in order by counting: 87 minutes of slices take 4 MB. */
const MAX_COUNTED_SLICES = 2 ** 20
/** Replaces the mark of a pair that was forgotten. */
const FORGOTTEN = -1

/** A chain's entries while they are being copied, and how many have been. */
interface Filling extends WindowEntries {
  filled: number
}

/** Copies a stretch's entries out of the log, by chain and in the order of their slices. */
export class StretchCopy {
  readonly #columns: LogColumns
  #marks = new Int32Array(0)
  #slices = new Int32Array(0)
  readonly #countOf = new Int32Array(MAX_CHAINS)
  /** Entries that were overwritten before they were copied. */
  lost = 0

  constructor(memory: LogMemory) {
    this.#columns = new LogColumns(memory)
  }

  /** The entries of each chain that has any in the stretch, in the order of the chains' ids. */
  *take({ from, to }: Stretch): Pieces<readonly WindowEntries[]> {
    const begin = this.#copy(from, to)
    // An earlier copy may have been left in the middle.
    this.#countOf.fill(0)
    // Loaded after the copies: what is reserved by now may have been overwritten while it was copied.
    const whole = Math.min(to, Math.max(begin, this.#columns.firstWhole(to)))
    this.lost += whole - from
    // Copies, as a place may meanwhile be given to a pair of another chain. The writer forgets the old pair first, and
    // `forgotten` is copied last: if one copy has the new chain, the other has the end of the old pair.
    const chains = this.#columns.chains.slice()
    const forgotten = this.#columns.forgotten.slice()
    yield PIECE_COST
    for (let n = whole; n < to; n += PIECE) {
      this.#countChains(n - begin, { to: Math.min(n + PIECE, to) - begin, begin, chains, forgotten })
      yield PIECE_COST
    }
    const fillings = this.#fillings()
    for (let n = whole; n < to; n += PIECE) {
      this.#fill(fillings, chains, n - begin, Math.min(n + PIECE, to) - begin)
      yield PIECE_COST
    }
    const windows: WindowEntries[] = []
    for (const filling of fillings.values()) windows.push(yield* inOrder(filling))
    return windows
  }

  /** Copies the entries that the log still has. Returns the number of the first one. */
  #copy(from: number, to: number): number {
    const { marks, slices, size } = this.#columns
    const begin = Math.max(from, to - size)
    const count = to - begin
    if (this.#marks.length < count) {
      this.#marks = new Int32Array(count)
      this.#slices = new Int32Array(count)
    }
    const at = begin % size
    const toEnd = Math.min(count, size - at)
    for (const [copy, column] of [
      [this.#marks, marks],
      [this.#slices, slices],
    ] as const) {
      copy.set(column.subarray(at, at + toEnd))
      copy.set(column.subarray(0, count - toEnd), toEnd)
    }
    return begin
  }

  #countChains(
    from: number,
    { to, begin, chains, forgotten }: { to: number; begin: number; chains: Uint16Array; forgotten: Float64Array },
  ): void {
    const marks = this.#marks
    const countOf = this.#countOf
    for (let at = from; at < to; at++) {
      const pairId = pairOf(marks[at] as number)
      if (begin + at < (forgotten[pairId] as number)) {
        marks[at] = FORGOTTEN
        continue
      }
      const chain = chains[pairId] as number
      countOf[chain] = (countOf[chain] as number) + 1
    }
  }

  /** An empty filling for each chain that has entries. */
  #fillings(): Map<number, Filling> {
    const fillings = new Map<number, Filling>()
    for (let chain = 0; chain < MAX_CHAINS; chain++) {
      const count = this.#countOf[chain] as number
      if (count === 0) continue
      fillings.set(chain, { ...empty(count), chainId: chain, filled: 0 })
    }
    return fillings
  }

  #fill(fillings: ReadonlyMap<number, Filling>, chains: Uint16Array, from: number, to: number): void {
    let ofChain = -1
    let filling: Filling | undefined
    for (let at = from; at < to; at++) {
      const mark = this.#marks[at] as number
      if (mark === FORGOTTEN) continue
      const chain = chains[pairOf(mark)] as number
      if (chain !== ofChain) filling = fillings.get(chain)
      ofChain = chain
      if (filling === undefined) continue
      filling.marks[filling.filled] = mark
      filling.slices[filling.filled] = this.#slices[at] as number
      filling.filled++
    }
  }
}

/** Entries are mostly in order already; if not, they are sorted, and those of a slice stay as they came. */
function* inOrder(entries: WindowEntries): Pieces<WindowEntries> {
  const { slices, count } = entries
  let [first, last, isOrdered] = [slices[0] as number, slices[0] as number, true]
  for (let n = 0; n < count; n++) {
    const slice = slices[n] as number
    if (slice < last) isOrdered = false
    else last = slice
    if (slice < first) first = slice
  }
  if (isOrdered) return entries
  yield PIECE_COST
  return last - first < MAX_COUNTED_SLICES ? yield* byCounting(entries, first, last) : bySorting(entries, first)
}

function* byCounting(from: WindowEntries, first: number, last: number): Pieces<WindowEntries> {
  const { count, chainId } = from
  const to = { ...empty(count), chainId }
  /** Indexed by slice: how many entries come before it, then, where its next entry goes. */
  const placeOf = new Int32Array(last - first + 2)
  for (let n = 0; n < count; n++) {
    const after = (from.slices[n] as number) - first + 1
    placeOf[after] = (placeOf[after] as number) + 1
  }
  for (let s = 1; s < placeOf.length; s++) placeOf[s] = (placeOf[s] as number) + (placeOf[s - 1] as number)
  yield PIECE_COST
  for (let n = 0; n < count; n++) {
    const slice = from.slices[n] as number
    const place = placeOf[slice - first] as number
    placeOf[slice - first] = place + 1
    to.marks[place] = from.marks[n] as number
    to.slices[place] = slice
    if (n % PIECE === PIECE - 1) yield PIECE_COST
  }
  return to
}

/** For times so far apart that counting would mostly count empty slices. */
function bySorting({ marks, slices, count, chainId }: WindowEntries, first: number): WindowEntries {
  // Slice and place in one number: numbers are sorted without a call for each comparison.
  const keys = Float64Array.from(slices, (slice, n) => (slice - first) * count + n).sort()
  const order = Int32Array.from(keys, (key) => key % count)
  const inOrder = (column: Int32Array) => order.map((n) => column[n] as number)
  return { marks: inOrder(marks), slices: inOrder(slices), count, chainId }
}

function empty(count: number): Omit<WindowEntries, 'chainId'> {
  return { marks: new Int32Array(count), slices: new Int32Array(count), count }
}
