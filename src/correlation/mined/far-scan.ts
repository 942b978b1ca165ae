import { FAR_BAND_OF, FAR_BANDS, FAR_COUNTS, FAR_HITS, FAR_LAGS, FAR_SUMS } from './far-bands.ts'
import { LAG_SLICES, WEIGHT_ONE } from './lag-bands.ts'
import type { LogWindow } from './log-window.ts'
import { Shortlist } from './shortlist.ts'
import { NEVER } from './update-log.ts'

/** The most entries that are looked at for a leader. If MIN_TRIALS would take more, it is not scanned. */
const MAX_ENTRIES = 2 ** 16
const MIN_TRIALS = 8
export const FAR_SHORTLIST = 8

/** The occurrences of the leader that are looked at. */
export interface Trials {
  /** Indices into the window's slices. */
  readonly slices: Int32Array
  readonly count: number
}

/** Finds late followers, as `LeaderScan` finds soon ones, from fewer of its trials, so that the cost is bounded. */
export class FarScan {
  readonly shortlist = new Shortlist(FAR_SHORTLIST)
  /** Trials that were looked at: 0 if entries are too dense. */
  trialCount = 0
  looked = 0
  #step = 0
  readonly #widths: readonly number[]
  /** Only shorter lags are looked at, in slices. */
  readonly #slices: number
  #window: LogWindow | undefined
  #mostTrials = 0
  /** FAR_BANDS a member; all 0 between two scans. */
  #sums = new Int32Array(0)

  /** `widths`: the width of each band, in slices. */
  constructor(widths: readonly number[]) {
    this.#widths = widths
    this.#slices = LAG_SLICES + widths.reduce((sum, width) => sum + width, 0)
  }

  use(window: LogWindow): void {
    this.#window = window
    if (this.#sums.length < window.members.length * FAR_BANDS)
      this.#sums = new Int32Array(window.members.length * FAR_BANDS)
    const entries = window.starts[window.sliceCount] as number
    const span = (window.slices[window.sliceCount - 1] as number) - (window.slices[0] as number) + 1
    this.#mostTrials = Math.floor(MAX_ENTRIES / Math.max(1, (entries / span) * (this.#slices - LAG_SLICES)))
  }

  /** The first pass. */
  scan(leader: number, trials: Trials): void {
    const window = this.#window
    this.shortlist.count = 0
    this.trialCount = 0
    if (window === undefined || this.#mostTrials < MIN_TRIALS || this.#slices === LAG_SLICES) return
    this.#step = Math.max(1, Math.ceil(trials.count / this.#mostTrials))
    this.trialCount = Math.ceil(trials.count / this.#step)
    const before = this.looked
    this.#add(window, trials)
    this.#choose(window, leader, { trials, looked: this.looked - before })
  }

  #add({ slices, sliceCount, starts, weights, who }: LogWindow, trials: Trials): void {
    const sums = this.#sums
    let first = 0
    for (let trial = 0; trial < trials.count; trial += this.#step) {
      const from = slices[trials.slices[trial] as number] as number
      while (first < sliceCount && (slices[first] as number) < from + LAG_SLICES) first++
      for (let s = first; s < sliceCount; s++) {
        const lag = (slices[s] as number) - from
        if (lag >= this.#slices) break
        const band = FAR_BAND_OF[lag - LAG_SLICES] as number
        const weight = weights[s] as number
        const end = starts[s + 1] as number
        for (let entry = starts[s] as number; entry < end; entry++) {
          const at = (who[entry] as number) * FAR_BANDS + band
          sums[at] = (sums[at] as number) + weight
        }
        this.looked += end - (starts[s] as number)
      }
    }
  }

  /** Chooses among the members that were met: goes through all members, or through the entries again if these are fewer. */
  #choose(window: LogWindow, leader: number, { trials, looked }: { trials: Trials; looked: number }): void {
    const { slices, sliceCount, starts, who, members } = window
    if (looked >= members.length) {
      for (let member = 0; member < members.length; member++) this.#consider(window, leader, member)
      this.looked += members.length
      return
    }
    let first = 0
    for (let trial = 0; trial < trials.count; trial += this.#step) {
      const from = slices[trials.slices[trial] as number] as number
      while (first < sliceCount && (slices[first] as number) < from + LAG_SLICES) first++
      for (let s = first; s < sliceCount && (slices[s] as number) < from + this.#slices; s++)
        for (let entry = starts[s] as number; entry < (starts[s + 1] as number); entry++)
          this.#consider(window, leader, who[entry] as number)
    }
    this.looked += looked
  }

  /** Proposes the member if it came more often than by chance, and resets its sums to 0. */
  #consider({ members, rates }: LogWindow, leader: number, member: number): void {
    const sums = this.#sums
    let best = 0
    for (let band = 0; band < FAR_BANDS; band++) {
      const at = member * FAR_BANDS + band
      const count = (sums[at] as number) / WEIGHT_ONE
      if (count === 0) continue
      sums[at] = 0
      const expected = this.trialCount * (this.#widths[band] as number) * (rates[member] as number)
      if (count > expected) best = Math.max(best, (count - expected) ** 2 / (expected + 1))
    }
    if (best > 0 && (members[member] as number) >> 1 !== (members[leader] as number) >> 1)
      this.shortlist.propose(member, best)
  }

  /** The second pass: adds to `sums`, FAR_SUMS a band from `at`. Returns the slice of the last trial with a hit, or NEVER. */
  count(follower: number, trials: Trials, { sums, at }: { readonly sums: Float32Array; readonly at: number }): number {
    const window = this.#window
    let last = NEVER
    if (window === undefined || this.trialCount === 0) return last
    const { slices, occurrences, weights } = window
    const end = window.firsts[follower + 1] as number
    let next = window.firsts[follower] as number
    for (let trial = 0; trial < trials.count; trial += this.#step) {
      const from = slices[trials.slices[trial] as number] as number
      while (next < end && (slices[occurrences[next] as number] as number) < from + LAG_SLICES) next++
      let hits = 0
      for (let i = next; i < end; i++) {
        const s = occurrences[i] as number
        const lag = (slices[s] as number) - from
        if (lag >= this.#slices) break
        const band = FAR_BAND_OF[lag - LAG_SLICES] as number
        const to = at + band * FAR_SUMS
        const weight = (weights[s] as number) / WEIGHT_ONE
        sums[to + FAR_COUNTS] = (sums[to + FAR_COUNTS] as number) + weight
        sums[to + FAR_LAGS] = (sums[to + FAR_LAGS] as number) + lag * weight
        hits |= 1 << band
      }
      if (hits === 0) continue
      last = from
      for (let band = 0; band < FAR_BANDS; band++) {
        const to = at + band * FAR_SUMS + FAR_HITS
        sums[to] = (sums[to] as number) + ((hits >> band) & 1)
      }
    }
    return last
  }
}
