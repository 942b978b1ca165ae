import { type EdgeMemory, EdgeRows } from './edge-rows.ts'
import { Evidence } from './evidence.ts'
import { LONGEST_LAG_MS, widthsWithin } from './far-bands.ts'
import { LeaderScan } from './leader-scan.ts'
import { LogWindow } from './log-window.ts'
import type { Pieces } from './pieces.ts'
import { PunctualReads } from './punctual/punctual-reads.ts'
import { StretchCopy } from './stretch-copy.ts'
import { LogColumns, type LogMemory, NEVER, READ_BIT, type Stretch } from './update-log.ts'

/**
 * Makes edges of the log, stretch by stretch and leader by leader. The same log gives the same edges, whether in one go,
 * in steps or in another thread.
 */
export interface MinerOptions {
  readonly log: LogMemory
  readonly edges: EdgeMemory
  /**
   * Indexed by pair: the number of entries in the log, + 1, when the pair was first read here; 0 if it never was. Once
   * any pair is read, only updates of pairs that are read can follow. A read after the end of a stretch does not count
   * for the stretch, however late that is mined.
   */
  readonly readFrom: Float64Array<SharedArrayBuffer>
  /** The longest lag of a follower: 150 to LONGEST_LAG_MS, the default. */
  readonly windowMs?: number
}

/** The cost of looking at a follower again, in entries that a scan looks at in that time. */
const VERIFYING_COST = 2_048

export class Miner {
  readonly #options: MinerOptions
  readonly #rows: EdgeRows
  readonly #evidence: Evidence
  readonly #copy: StretchCopy
  readonly #columns: LogColumns
  readonly #scan: LeaderScan
  readonly #punctual: PunctualReads
  /** The rest of the current stretch. */
  #work: Pieces<void> | undefined
  #stretchTo = 0
  /** Leaders that were mined, and leaders that were passed over, as they had too few new occurrences. */
  mined = 0
  skipped = 0

  constructor(options: MinerOptions) {
    this.#options = options
    this.#rows = new EdgeRows(options.edges)
    const lateWidths = widthsWithin(options.windowMs ?? LONGEST_LAG_MS)
    this.#scan = new LeaderScan(lateWidths)
    this.#evidence = new Evidence(options.log.maxPairs, lateWidths)
    this.#punctual = new PunctualReads(options.log.maxPairs)
    this.#copy = new StretchCopy(options.log)
    this.#columns = new LogColumns(options.log)
  }

  /** Entries that were overwritten before they were mined. */
  get lost(): number {
    return this.#copy.lost
  }

  mine(stretch: Stretch): void {
    this.begin(stretch)
    this.step(Number.POSITIVE_INFINITY)
  }

  /** Begins with the stretch; whatever is left of the one before is dropped. */
  begin(stretch: Stretch): void {
    this.#work = this.#mine(stretch)
  }

  /** Works for about as long as it takes to look at `entries` entries. Returns whether the stretch is done. */
  step(entries: number): boolean {
    for (let left = entries; left > 0; ) {
      const piece = this.#work?.next()
      if (piece === undefined || piece.done === true) return true
      left -= piece.value
    }
    return false
  }

  *#mine(stretch: Stretch): Pieces<void> {
    const { readFrom } = this.#options
    const isRead = (from: number): boolean => from > 0 && from <= stretch.to
    const anyRead = readFrom.some(isRead)
    yield* this.#forget(this.#stretchTo)
    this.#stretchTo = stretch.to
    const mayFollow = (mark: number): boolean =>
      !anyRead || (mark & READ_BIT) !== 0 || isRead(readFrom[mark >> 1] as number)
    const scan = this.#scan
    const punctual = this.#punctual
    for (const entries of yield* this.#copy.take(stretch)) {
      const window = yield* LogWindow.of(entries, mayFollow)
      scan.use(window)
      yield* punctual.take(entries)
      for (let leader = 0; leader < window.members.length; leader++) {
        const before = scan.looked + punctual.looked
        const verified = this.#lead(window, leader, entries.chainId)
        yield scan.looked + punctual.looked - before + verified * VERIFYING_COST + 1
      }
    }
  }

  /** Mines the leader. Returns how many followers were looked at again. */
  #lead(window: LogWindow, leader: number, chainId: number): number {
    const mark = window.members[leader] as number
    if ((mark & READ_BIT) !== 0) return 0
    const pairId = mark >> 1
    const evidence = this.#evidence
    const occurrences = (window.firsts[leader + 1] as number) - (window.firsts[leader] as number)
    const slice = window.slices[window.sliceCount - 1] as number
    if (!evidence.isWorthMining(pairId, occurrences, slice)) {
      this.skipped++
      return 0
    }
    const scan = this.#scan
    scan.scan(leader)
    const readers = this.#punctual.after(pairId, chainId)
    if (scan.trialCount === 0 && readers.length === 0) return 0
    this.mined++
    evidence.open(pairId, slice)
    for (const { members, count } of [scan.shortlist, scan.far.shortlist])
      for (let place = 0; place < count; place++) evidence.propose(window.members[members[place] as number] as number)
    for (let candidate = 0; candidate < evidence.count; candidate++) this.#verify(window, candidate)
    const byBands = evidence.row.slice(0, evidence.close(pairId, scan.trialCount, slice))
    // After a burst, bands cannot tell followers from bystanders among the reads; nor if some reads are punctual.
    const noReads = readers.length > 0 || scan.isInBursts
    const followers = noReads ? byBands.filter((edge) => (edge.mark & READ_BIT) === 0) : byBands
    const edges = [...readers, ...followers].sort((a, b) => b.z - a.z)
    this.#rows.write(pairId, { edges, count: edges.length, minedTo: this.#stretchTo })
    return evidence.count
  }

  /** Looks at the candidate again. One without a mark in this stretch did not follow, and was not expected to. */
  #verify(window: LogWindow, candidate: number): void {
    const scan = this.#scan
    const follower = window.followerOf(this.#evidence.markAt(candidate))
    const { counts, at, lateAt } = this.#evidence.countsOf(candidate)
    scan.lastHitSlice = NEVER
    const hits = follower < 0 ? 0 : scan.count(follower, counts, at)
    if (follower >= 0) scan.countLate(follower, counts, lateAt)
    const rate = follower < 0 ? 0 : (window.rates[follower] as number)
    const trials = { trials: scan.trialCount, lateTrials: scan.far.trialCount }
    this.#evidence.add(candidate, { ...trials, rate, hits, lastSlice: scan.lastHitSlice })
  }

  /** Drops all that is known of the pairs that were forgotten since the log had so many entries. */
  *#forget(since: number): Pieces<void> {
    const { forgotten } = this.#columns
    const isSince = (at: number): boolean => at > 0 && at >= since
    if (!forgotten.some(isSince)) return
    const isForgotten = (pairId: number): boolean => isSince(forgotten[pairId] as number)
    yield* this.#evidence.forget(isForgotten)
    yield* this.#rows.forget(isForgotten)
    yield* this.#punctual.forget(isForgotten)
  }
}
