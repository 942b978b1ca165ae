import { SCAN_SLICES, SLICE_WEIGHTS, WEIGHT_ONE, WEIGHT_SUM } from './lag-bands.ts'
import { PIECE, PIECE_COST, type Pieces } from './pieces.ts'
import { markOf, READ_BIT, SLICE_MS } from './update-log.ts'

/**
 * A stretch of one chain, arranged for mining: which marks each slice has, and how often each of them comes by chance.
 * Members are the distinct marks, numbered from 0 in the order of their first appearance. Empty slices don't exist here.
 *
 * Chance is measured where something happens: a mark weighs as much as there are others within a second of it.
 * Otherwise a market that wakes up would look like one in which all pairs follow each other.
 */
const NEAR_SLICES = 1_000 / SLICE_MS
/** A slice with more marks (a burst: a block, a poll) counts as so many, each of its marks weighing less, … */
const MIN_BURST = 16
/** … or as this × the mean number of marks in a slice, if that is more. */
const BURST_TIMES = 4

/** A chain's entries in the order of their slices. */
export interface WindowEntries {
  readonly chainId: number
  /** Entries as the log has them: mark and milliseconds. */
  readonly marks: Int32Array
  readonly slices: Int32Array
  readonly count: number
}

export class LogWindow {
  /** Indexed by member: its mark, and whether it may follow. */
  readonly members: Int32Array
  readonly follows: Uint8Array
  /** Indexed by used slice: its number, and where its entries begin in `who`, which has the members that may follow. */
  readonly slices: Int32Array
  readonly starts: Int32Array
  readonly who: Uint16Array | Int32Array
  sliceCount = 0
  /** Indexed by used slice: the weight of a mark in it; WEIGHT_ONE is a full one. */
  readonly weights: Int32Array
  /** Indexed by member: the start of its slices in `occurrences`, which has indices into `slices`. */
  readonly firsts: Int32Array
  readonly occurrences: Int32Array
  /** Indexed by member: the probability of its mark in a slice; mean and variance of its sum after one trial of a scan. */
  readonly rates: Float64Array
  readonly means: Float64Array
  readonly variances: Float64Array
  readonly #memberOf: ReadonlyMap<number, number>
  /** Indexed by used slice: how many entries come before it, also of members that may not follow. */
  readonly #totals: Int32Array
  /** Indexed by entry: its mark's member. */
  readonly #entryMembers: Int32Array

  static *of(entries: WindowEntries, mayFollow: (mark: number) => boolean): Pieces<LogWindow> {
    const { marks, count } = entries
    const memberOf = new Map<number, number>()
    const entryMembers = new Int32Array(count)
    const slices = new Int32Array(count)
    const lastReads = new Map<number, number>()
    let kept = 0
    for (let entry = 0; entry < count; entry++) {
      if (isPiece(entry)) yield PIECE_COST
      const mark = markOf(marks[entry] as number)
      const slice = entries.slices[entry] as number
      if ((mark & READ_BIT) !== 0) {
        // Reads are logged once a millisecond, but count once a slice.
        if (lastReads.get(mark) === slice) continue
        lastReads.set(mark, slice)
      }
      const known = memberOf.get(mark)
      if (known === undefined) memberOf.set(mark, memberOf.size)
      entryMembers[kept] = known ?? memberOf.size - 1
      slices[kept] = slice
      kept++
    }
    const window = new LogWindow(memberOf, entryMembers.subarray(0, kept), mayFollow)
    yield PIECE_COST
    yield* window.#fillSlices(slices)
    yield* window.#fillOccurrences(slices)
    yield* window.#weigh()
    yield* window.#measure()
    return window
  }

  private constructor(
    memberOf: ReadonlyMap<number, number>,
    entryMembers: Int32Array,
    mayFollow: (mark: number) => boolean,
  ) {
    const { length } = entryMembers
    this.#memberOf = memberOf
    this.#entryMembers = entryMembers
    this.members = Int32Array.from(memberOf.keys())
    this.follows = Uint8Array.from(this.members, (mark) => (mayFollow(mark) ? 1 : 0))
    this.slices = new Int32Array(length)
    this.starts = new Int32Array(length + 1)
    // A scan reads little else: with half the bytes, all mining takes a fifth less time.
    this.who = this.members.length <= 65_536 ? new Uint16Array(length) : new Int32Array(length)
    this.#totals = new Int32Array(length + 1)
    this.firsts = new Int32Array(this.members.length + 1)
    this.occurrences = new Int32Array(length)
    this.weights = new Int32Array(length)
    this.rates = new Float64Array(this.members.length)
    this.means = new Float64Array(this.members.length)
    this.variances = new Float64Array(this.members.length)
  }

  /** The mark's member; −1 if there is none, or it may not follow. */
  followerOf(mark: number): number {
    const member = this.#memberOf.get(mark) ?? -1
    return member >= 0 && this.follows[member] === 1 ? member : -1
  }

  *#fillSlices(slices: Int32Array): Pieces<void> {
    const entryMembers = this.#entryMembers
    let used = 0
    let following = 0
    for (let entry = 0; entry < entryMembers.length; entry++) {
      if (used === 0 || this.slices[used - 1] !== slices[entry]) {
        this.slices[used] = slices[entry] as number
        this.starts[used] = following
        this.#totals[used] = entry
        used++
      }
      const member = entryMembers[entry] as number
      if (this.follows[member] === 1) this.who[following++] = member
      if (isPiece(entry)) yield PIECE_COST
    }
    this.starts[used] = following
    this.#totals[used] = entryMembers.length
    this.sliceCount = used
  }

  *#fillOccurrences(slices: Int32Array): Pieces<void> {
    const { firsts } = this
    const entryMembers = this.#entryMembers
    for (const member of entryMembers) firsts[member + 1] = (firsts[member + 1] as number) + 1
    for (let m = 1; m < firsts.length; m++) firsts[m] = (firsts[m] as number) + (firsts[m - 1] as number)
    yield PIECE_COST
    const next = firsts.slice()
    let used = 0
    for (let entry = 0; entry < entryMembers.length; entry++) {
      if (this.slices[used] !== slices[entry]) used++
      const member = entryMembers[entry] as number
      const at = next[member] as number
      this.occurrences[at] = used
      next[member] = at + 1
      if (isPiece(entry)) yield PIECE_COST
    }
  }

  *#weigh(): Pieces<void> {
    const totals = this.#totals
    const used = this.sliceCount
    const span = used === 0 ? 1 : (this.slices[used - 1] as number) - (this.slices[0] as number) + 1
    const most = Math.max(MIN_BURST, (BURST_TIMES * (totals[used] as number)) / span)
    for (let s = 0; s < used; s++) {
      const held = (totals[s + 1] as number) - (totals[s] as number)
      this.weights[s] = held <= most ? WEIGHT_ONE : Math.round((WEIGHT_ONE * most) / held)
      if (isPiece(s)) yield PIECE_COST
    }
  }

  /** Means and variances are sums over all places in the log, not samples of them. */
  *#measure(): Pieces<void> {
    const { activity, whole } = yield* this.#activity()
    for (let member = 0; member < this.members.length; member++) {
      const end = this.firsts[member + 1] as number
      let sum = 0
      let squares = 0
      for (let at = this.firsts[member] as number; at < end; at++) {
        const s = this.occurrences[at] as number
        const part = ((activity[s] as number) * (this.weights[s] as number)) / WEIGHT_ONE
        sum += part
        squares += part * this.#overlapFrom(at, end)
        if (isPiece(at)) yield PIECE_COST
      }
      const mean = (sum / whole) * WEIGHT_SUM
      this.rates[member] = sum / whole
      this.means[member] = mean
      this.variances[member] = Math.max(squares / whole - mean * mean, 0)
    }
  }

  /** What an occurrence adds to the mean square: itself, and twice each later one that the same trial meets. */
  #overlapFrom(at: number, end: number): number {
    const slice = this.slices[this.occurrences[at] as number] as number
    let overlap = OVERLAPS[0] as number
    for (let next = at + 1; next < end; next++) {
      const gap = (this.slices[this.occurrences[next] as number] as number) - slice
      if (gap >= SCAN_SLICES) break
      overlap += 2 * (OVERLAPS[gap] as number)
    }
    return overlap
  }

  /** Indexed by used slice: the entries within a second of it. `whole`: their sum over all slices, used or not. */
  *#activity(): Pieces<{ readonly activity: Float64Array; readonly whole: number }> {
    const { sliceCount: used, slices } = this
    const totals = this.#totals
    const activity = new Float64Array(used)
    const first = slices[0] as number
    const last = slices[used - 1] as number
    let low = 0
    let high = 0
    let whole = 0
    for (let s = 0; s < used; s++) {
      const slice = slices[s] as number
      while ((slices[low] as number) < slice - NEAR_SLICES) low++
      while (high < used && (slices[high] as number) <= slice + NEAR_SLICES) high++
      activity[s] = (totals[high] as number) - (totals[low] as number)
      const reach = Math.min(last, slice + NEAR_SLICES) - Math.max(first, slice - NEAR_SLICES) + 1
      whole += reach * ((totals[s + 1] as number) - (totals[s] as number))
      if (isPiece(s)) yield PIECE_COST
    }
    return { activity, whole }
  }
}

/** Indexed by the gap between two marks of a follower: the products of their weights, summed over all lags of the first. */
const OVERLAPS = Float64Array.from({ length: SCAN_SLICES }, (_, gap) => {
  let sum = 0
  for (let d = 0; d + gap < SCAN_SLICES; d++) sum += (SLICE_WEIGHTS[d] as number) * (SLICE_WEIGHTS[d + gap] as number)
  return sum
})

/** Whether a piece of the work ends here. */
function isPiece(at: number): boolean {
  return at % PIECE === PIECE - 1
}
