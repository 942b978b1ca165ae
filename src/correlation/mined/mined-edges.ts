import { EdgeRows, type MinedEdge, SURE_Z } from './edge-rows.ts'
import { LONGEST_LAG_MS } from './far-bands.ts'
import type { MinerOptions } from './miner.ts'
import { READ_BIT, type Stretch, UpdateLog } from './update-log.ts'

/**
 * The side of mining that the hot path sees: updates and missed reads go into the log, mined edges come out of the rows.
 * Before the first read nothing is kept at all: a node in which nobody reads has nothing to warm. Pairs are named by
 * their places in tracked-pairs.ts.
 */
export interface MinedEdgesOptions {
  /** At most MAX_MINED_PAIRS of them are mined. */
  readonly maxPairs: number
  /** Entries of the log, 8 B each; LOG_ENTRIES unless given. */
  readonly entries?: number
  /** As in `MinerOptions`. */
  readonly windowMs?: number
}

/** A minute of 15,000 updates a second, a pair counting once every 5 ms: 8 MB once the first pair is read. */
export const LOG_ENTRIES = 2 ** 20
/** A pair takes 240 B of shared memory when it is first seen, and 2 kB of the miner's: half a gigabyte for all of them. */
const MAX_MINED_PAIRS = 250_000

/** A score counts so many more trials, without a hit: one hit of one trial is no certainty. */
const DOUBT = 2

interface Kept {
  readonly log: UpdateLog
  readonly rows: EdgeRows
  /** Indexed by pair: as in `MinerOptions`. */
  readonly readFrom: Float64Array<SharedArrayBuffer>
}

export class MinedEdges {
  readonly #maxPairs: number
  readonly #entries: number
  readonly #windowMs: number
  #kept: Kept | undefined

  constructor({ maxPairs, entries = LOG_ENTRIES, windowMs = LONGEST_LAG_MS }: MinedEdgesOptions) {
    this.#maxPairs = Math.min(maxPairs, MAX_MINED_PAIRS)
    this.#entries = entries
    this.#windowMs = windowMs
  }

  /** The memory that a miner works on; undefined until the first read. */
  get memory(): MinerOptions | undefined {
    const kept = this.#kept
    return kept && { log: kept.log.memory, edges: kept.rows.memory, readFrom: kept.readFrom, windowMs: this.#windowMs }
  }

  update(pairId: number, chainId: number, eventTimeMs: number): void {
    this.#kept?.log.update(pairId, chainId, eventTimeMs)
  }

  /** Somebody reads the pair, so it is worth finding its leaders. */
  read(pairId: number): void {
    if (pairId >= this.#maxPairs) return
    this.#kept ??= this.#keep()
    const { log, readFrom } = this.#kept
    if (readFrom[pairId] === 0) readFrom[pairId] = log.written + 1
  }

  missed(pairId: number, chainId: number, atMs: number): void {
    this.#kept?.log.missedRead(pairId, chainId, atMs)
  }

  forget(pairId: number): void {
    if (this.#kept === undefined || pairId >= this.#maxPairs) return
    this.#kept.log.forget(pairId)
    this.#kept.readFrom[pairId] = 0
  }

  /** Updates that came too late to be logged. */
  get older(): number {
    return this.#kept?.log.older ?? 0
  }

  /** Entries that were not mined, as no miner took their stretch in time. */
  get notTaken(): number {
    return this.#kept?.log.notTaken ?? 0
  }

  /** Updates and missed reads that the log refuses: the pair or chain is beyond its bounds, or the time is invalid. */
  get refusedMarks(): number {
    return this.#kept?.log.refusedMarks ?? 0
  }

  /** Takes the next stretch to be mined; undefined if none has ended. */
  takeStretch(): Stretch | undefined {
    return this.#kept?.log.takeStretch()
  }

  /**
   * Writes the pair's sure edges to pairs that somebody reads into `into`, which has room for a row, and returns their
   * number. A follower that is both updated and missed has the surer edge alone, as it is warmed once.
   */
  after(pairId: number, into: readonly MinedEdge[]): number {
    const kept = this.#kept
    if (kept === undefined) return 0
    const { log, rows, readFrom } = kept
    const count = rows.read(pairId, into)
    // A place that was given to another pair since the edge was mined makes it worthless.
    const isStill = (place: number, { minedTo }: MinedEdge): boolean => log.forgottenAt(place) < minedTo
    let found = 0
    for (let e = 0; e < count; e++) {
      const edge = into[e] as MinedEdge
      const follower = edge.mark >> 1
      if (edge.z < SURE_Z || readFrom[follower] === 0) continue
      if (!isStill(pairId, edge) || !isStill(follower, edge)) continue
      if (isAmong(follower, into, found)) continue
      if (found < e) Object.assign(into[found] as MinedEdge, edge)
      found++
    }
    return found
  }

  reasonOf({ mark, hits, trials, lagMs, lift, lastSlice }: MinedEdge, nowMs: number): string {
    const agoMs = Math.max(0, nowMs - this.timeOf(lastSlice))
    const times = `${Number(lift.toPrecision(2))} times as often as otherwise`
    const counts = `${Math.round(hits)} of ${Math.round(trials)} updates`
    // Restored edges have slices before the log has its first entry, from which slices are counted.
    const last = Number.isFinite(agoMs) ? `, last ${Math.round(agoMs / 1000)} s ago` : ''
    return `${markKindOf(mark)} ${Math.round(lagMs)} ms after ${counts}, ${times}${last}`
  }

  /** The event time of the newest update that was logged; negative infinity before the first. */
  get newestMs(): number {
    return this.#kept?.log.newestMs ?? Number.NEGATIVE_INFINITY
  }

  /** When the slice began, in event time; NaN before the first entry of the log. */
  timeOf(slice: number): number {
    return this.#kept?.log.timeOf(slice) ?? Number.NaN
  }

  sliceOf(timeMs: number): number {
    return this.#kept?.log.sliceOf(timeMs) ?? 0
  }

  #keep(): Kept {
    const maxPairs = this.#maxPairs
    return {
      log: new UpdateLog({ maxPairs, entries: this.#entries }),
      rows: EdgeRows.of(maxPairs),
      readFrom: new Float64Array(new SharedArrayBuffer(maxPairs * 8)),
    }
  }
}

function isAmong(follower: number, edges: readonly MinedEdge[], count: number): boolean {
  for (let e = 0; e < count; e++) if ((edges[e] as MinedEdge).mark >> 1 === follower) return true
  return false
}

/** Whether the follower's mark is an update or a missed read. */
export function markKindOf(mark: number): 'updated' | 'missed' {
  return (mark & READ_BIT) === 0 ? 'updated' : 'missed'
}

/** The probability, 0 to 1, that the follower comes after an update of its leader. */
export function scoreOf({ hits, trials }: MinedEdge): number {
  return Math.min(1, hits / (trials + DOUBT))
}
