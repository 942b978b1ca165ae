import { FarScan } from './far-scan.ts'
import { BAND_OF, LAG_SLICES, SCAN_SLICES, SLICE_WEIGHTS, WEIGHT_ONE } from './lag-bands.ts'
import type { LogWindow } from './log-window.ts'
import { Shortlist } from './shortlist.ts'

/** The most occurrences of a leader that are looked at, spread evenly over the stretch; more find little more. */
const MAX_TRIALS = 1_024
/** Fewer are looked at if they would take more than so many entries. */
const MAX_ENTRIES = 2 ** 21
const MIN_TRIALS = 16
/** Nobody leads in a burst whose marks weigh less: each of ten thousand pairs would be compared with all others. */
const LEAST_WEIGHT = WEIGHT_ONE / 64
/** Followers that the first pass hands to the second. */
export const SHORTLIST = 16
/** Added to a variance: a follower that came only after this leader is not certain for that. */
const LEAST_VARIANCE = 0.3 * WEIGHT_ONE * WEIGHT_ONE

/**
 * Finds the followers of a leader. The first pass runs forward through the log from each of the leader's occurrences,
 * and adds the weight of the lag to each member that it meets. The second pass looks at those furthest above chance
 * again, band by band.
 */
export class LeaderScan {
  /** The occurrences of the current leader that are looked at: indices into the window's slices. */
  readonly trials = new Int32Array(MAX_TRIALS)
  trialCount = 0
  /** The members furthest above chance in the first pass, best first. */
  readonly shortlist = new Shortlist(SHORTLIST)
  /** The same for followers that come later. */
  readonly far: FarScan
  /** The slice of the last trial after which the follower that was counted last came. */
  lastHitSlice = 0
  #looked = 0
  #window: LogWindow | undefined
  /** Indexed by member; all 0 between two scans. */
  #sums = new Int32Array(0)
  #entriesATrial = 1

  /** `lateWidths`: the widths of the late bands, in slices. */
  constructor(lateWidths: readonly number[]) {
    this.far = new FarScan(lateWidths)
  }

  /** Entries that were looked at, over all leaders. */
  get looked(): number {
    return this.#looked + this.far.looked
  }

  use(window: LogWindow): void {
    this.#window = window
    this.far.use(window)
    if (this.#sums.length < window.members.length) this.#sums = new Int32Array(window.members.length)
    const entries = window.starts[window.sliceCount] as number
    const first = window.slices[0] as number
    const last = window.slices[window.sliceCount - 1] as number
    this.#entriesATrial = Math.max(1, (entries / (last - first + 1)) * SCAN_SLICES)
  }

  /** The first pass. */
  scan(leader: number): void {
    const window = this.#window
    if (window === undefined) return
    this.#sample(window, leader)
    const before = this.#looked
    this.#add(window)
    this.#choose(window, leader, this.#looked - before)
    this.far.scan(leader, { slices: this.trials, count: this.trialCount })
  }

  #add({ sliceCount, slices, starts, weights, who }: LogWindow): void {
    const sums = this.#sums
    for (let trial = 0; trial < this.trialCount; trial++) {
      const from = this.trials[trial] as number
      const at = slices[from] as number
      for (let s = from; s < sliceCount; s++) {
        const lag = (slices[s] as number) - at
        if (lag >= SCAN_SLICES) break
        const weight = ((SLICE_WEIGHTS[lag] as number) * (weights[s] as number)) >> 10
        const end = starts[s + 1] as number
        const start = starts[s] as number
        for (let entry = start; entry < end; entry++) {
          const member = who[entry] as number
          sums[member] = (sums[member] as number) + weight
        }
        this.#looked += end - start
      }
    }
  }

  /** Whether most of the trials are in bursts. */
  get isInBursts(): boolean {
    const weights = this.#window?.weights
    let inBursts = 0
    for (let trial = 0; trial < this.trialCount; trial++)
      if ((weights?.[this.trials[trial] as number] ?? 0) < WEIGHT_ONE) inBursts++
    return inBursts * 2 > this.trialCount
  }

  #sample(window: LogWindow, leader: number): void {
    const end = window.firsts[leader + 1] as number
    let usable = 0
    for (let at = window.firsts[leader] as number; at < end; at++) if (isUsable(window, at)) usable++
    const most = Math.min(MAX_TRIALS, Math.max(MIN_TRIALS, Math.floor(MAX_ENTRIES / this.#entriesATrial)))
    const share = Math.min(1, most / usable)
    let seen = 0
    this.trialCount = 0
    for (let at = window.firsts[leader] as number; at < end; at++) {
      if (!isUsable(window, at)) continue
      seen++
      if (Math.round(seen * share) > this.trialCount) this.trials[this.trialCount++] = window.occurrences[at] as number
    }
  }

  /** Chooses among the members that were met: goes through all members, or through the entries again if these are fewer. */
  #choose(window: LogWindow, leader: number, looked: number): void {
    const { members, sliceCount, slices, starts, who } = window
    this.shortlist.count = 0
    if (looked >= members.length) {
      for (let member = 0; member < members.length; member++) this.#consider(window, leader, member)
      this.#looked += members.length
      return
    }
    for (let trial = 0; trial < this.trialCount; trial++) {
      const from = this.trials[trial] as number
      const end = (slices[from] as number) + SCAN_SLICES
      for (let s = from; s < sliceCount && (slices[s] as number) < end; s++)
        for (let entry = starts[s] as number; entry < (starts[s + 1] as number); entry++)
          this.#consider(window, leader, who[entry] as number)
    }
    this.#looked += looked
  }

  /** Proposes the member if it is above chance, and resets its sum to 0. */
  #consider({ members, means, variances }: LogWindow, leader: number, member: number): void {
    const sum = this.#sums[member] as number
    if (sum === 0) return
    this.#sums[member] = 0
    const trials = this.trialCount
    const excess = sum - trials * (means[member] as number)
    if (excess <= 0 || (members[member] as number) >> 1 === (members[leader] as number) >> 1) return
    this.shortlist.propose(member, (excess * excess) / (trials * (variances[member] as number) + LEAST_VARIANCE))
  }

  /** The second pass for the late bands: adds to `sums` from `at`. */
  countLate(follower: number, sums: Float32Array, at: number): void {
    const last = this.far.count(follower, { slices: this.trials, count: this.trialCount }, { sums, at })
    this.lastHitSlice = Math.max(this.lastHitSlice, last)
  }

  /** The second pass: adds to `counts`, BANDS from `at`. Returns the number of trials with a hit. */
  count(follower: number, counts: Float32Array, at: number): number {
    const window = this.#window
    if (window === undefined) return 0
    const { slices, occurrences, weights } = window
    const end = window.firsts[follower + 1] as number
    let next = window.firsts[follower] as number
    let hits = 0
    for (let trial = 0; trial < this.trialCount; trial++) {
      const from = slices[this.trials[trial] as number] as number
      while (next < end && (slices[occurrences[next] as number] as number) < from) next++
      let isHit = false
      for (let i = next; i < end; i++) {
        const s = occurrences[i] as number
        const lag = (slices[s] as number) - from
        if (lag >= LAG_SLICES) break
        const band = at + (BAND_OF[lag] as number)
        counts[band] = (counts[band] as number) + (weights[s] as number) / WEIGHT_ONE
        isHit = true
      }
      if (!isHit) continue
      hits++
      this.lastHitSlice = from
    }
    return hits
  }
}

function isUsable(window: LogWindow, at: number): boolean {
  return (window.weights[window.occurrences[at] as number] as number) >= LEAST_WEIGHT
}
