import { EdgeRows, type MinedEdge, SURE_Z } from './edge-rows.ts'
import { LONGEST_LAG_MS } from './far-bands.ts'
import type { MinerOptions } from './miner.ts'
import { READ_BIT, type Stretch, UpdateLog } from './update-log.ts'

/**
 * The side of mining that the hot path sees: what happens goes into the log, what was mined comes out of the rows. Until
 * the first read nothing is kept at all: a node in which nobody reads has nothing to warm. A pair is here its place among
 * those that are tracked.
 */
export interface MinedEdgesOptions {
  readonly maxPairs: number
  /** Of the log; 8 B each. */
  readonly entries: number
  /** As of `MinerOptions`. */
  readonly windowMs?: number
}

/** Two trials that found nothing are added to what was found: one of one is no certainty. */
const DOUBT = 2

interface Kept {
  readonly log: UpdateLog
  readonly rows: EdgeRows
  /** By pair: how many entries the log had, with the next one, when it was first read; 0 where nobody reads it. */
  readonly readFrom: Float64Array<SharedArrayBuffer>
}

export class MinedEdges {
  readonly #options: MinedEdgesOptions
  #kept: Kept | undefined

  constructor(options: MinedEdgesOptions) {
    this.#options = options
  }

  /** What a miner needs; undefined until the first read. */
  get memory(): MinerOptions | undefined {
    const kept = this.#kept
    const { windowMs = LONGEST_LAG_MS } = this.#options
    return kept && { log: kept.log.memory, edges: kept.rows.memory, readFrom: kept.readFrom, windowMs }
  }

  update(pairId: number, chainId: number, eventTimeMs: number): void {
    this.#kept?.log.update(pairId, chainId, eventTimeMs)
  }

  /** Somebody reads the pair: it is worth knowing what comes before it. */
  read(pairId: number): void {
    if (pairId >= this.#options.maxPairs) return
    this.#kept ??= this.#keep()
    const { log, readFrom } = this.#kept
    if (readFrom[pairId] === 0) readFrom[pairId] = log.written + 1
  }

  missed(pairId: number, chainId: number, atMs: number): void {
    this.#kept?.log.missedRead(pairId, chainId, atMs)
  }

  forget(pairId: number): void {
    if (this.#kept === undefined || pairId >= this.#options.maxPairs) return
    this.#kept.log.forget(pairId)
    this.#kept.readFrom[pairId] = 0
  }

  /** Updates that came too late to be logged in their place. */
  get older(): number {
    return this.#kept?.log.older ?? 0
  }

  /** What was logged and then not mined, because miners did not come for it in time. */
  get notTaken(): number {
    return this.#kept?.log.notTaken ?? 0
  }

  /** Updates and missed reads for which the log has no room: of pairs or chains beyond its bounds, or at no time. */
  get refusedEvents(): number {
    return this.#kept?.log.refusedEvents ?? 0
  }

  /** The next stretch to be mined, once; undefined while none has ended. */
  takeStretch(): Stretch | undefined {
    return this.#kept?.log.takeStretch()
  }

  /**
   * The pair's edges that are sure, to pairs that somebody reads, into `into`, which has room for a row; how many. Of a
   * pair that both is updated and missed after it, the surer one: it is warmed once.
   */
  after(pairId: number, into: readonly MinedEdge[]): number {
    const kept = this.#kept
    if (kept === undefined) return 0
    const { log, rows, readFrom } = kept
    const count = rows.read(pairId, into)
    // Of a place that was given to another pair since then, nothing is known.
    const isStill = (place: number, { minedTo }: MinedEdge): boolean => log.forgottenAt(place) < minedTo
    let found = 0
    for (let e = 0; e < count; e++) {
      const edge = into[e] as MinedEdge
      const follower = edge.event >> 1
      if (edge.z < SURE_Z || readFrom[follower] === 0) continue
      if (!isStill(pairId, edge) || !isStill(follower, edge)) continue
      if (isAmong(follower, into, found)) continue
      if (found < e) Object.assign(into[found] as MinedEdge, edge)
      found++
    }
    return found
  }

  reasonOf({ event, hits, trials, lagMs, lift, lastSlice }: MinedEdge, nowMs: number): string {
    const agoMs = Math.max(0, nowMs - (this.#kept?.log.timeOf(lastSlice) ?? nowMs))
    const times = `${Number(lift.toPrecision(2))} times as often as otherwise`
    return `${eventKindOf(event)} ${Math.round(lagMs)} ms after ${hits} of ${trials} updates, ${times}, last ${Math.round(agoMs / 1000)} s ago`
  }

  #keep(): Kept {
    const { maxPairs } = this.#options
    return {
      log: new UpdateLog(this.#options),
      rows: EdgeRows.of(maxPairs),
      readFrom: new Float64Array(new SharedArrayBuffer(maxPairs * 8)),
    }
  }
}

function isAmong(follower: number, edges: readonly MinedEdge[], count: number): boolean {
  for (let e = 0; e < count; e++) if ((edges[e] as MinedEdge).event >> 1 === follower) return true
  return false
}

/** What the follower's event is. */
export function eventKindOf(event: number): 'updated' | 'missed' {
  return (event & READ_BIT) === 0 ? 'updated' : 'missed'
}

/** The probability, 0 to 1, that the follower comes after an update of the leader. */
export function scoreOf({ hits, trials }: MinedEdge): number {
  return Math.min(1, hits / (trials + DOUBT))
}
