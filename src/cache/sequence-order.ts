import { enlarged } from '../../schemas/enlarged.ts'
import { eventTimeOf, VERSIONS_PER_MS } from './cached-price.ts'

/** The places of a millisecond that a sequence gives. The upper half stays free for updates that follow the last of them. */
const SEQUENCE_PLACES = VERSIONS_PER_MS / 2
/** A pair's newest update with a sequence in the millisecond: its event time, and the sequence (NaN: none yet). */
const FIELDS = 2

/**
 * The order of a pair's updates within one millisecond: the sequence decides where both have one, else who came first.
 * The sequence also gives the place in the version, so that another node, or this one after a restart, gives the same.
 */
export class SequenceOrder {
  /** Empty until the first sequence comes, so that feeds without sequences pay nothing. */
  #newest = new Float64Array(0)

  forget(pairId: number): void {
    if (pairId * FIELDS < this.#newest.length) this.#newest.fill(0, pairId * FIELDS, (pairId + 1) * FIELDS)
  }

  /**
   * Returns the least place within its millisecond for an update that is about to be stored, or -1 if the pair has had an
   * update of that millisecond with a higher sequence. `floor`: the pair's newest version. `sequence`: NaN for none.
   */
  place(pairId: number, floor: number, eventTimeMs: number, sequence: number): number {
    const newest = this.#newest
    const at = pairId * FIELDS
    if (floor >= eventTimeMs * VERSIONS_PER_MS || at >= newest.length)
      return this.#placeAfter(pairId, floor, eventTimeMs, sequence)
    // Nearly every update is the first of its millisecond, and this path is small enough to be inlined.
    newest[at] = eventTimeMs
    newest[at + 1] = sequence
    return placeOf(sequence)
  }

  #placeAfter(pairId: number, floor: number, eventTimeMs: number, sequence: number): number {
    const hasNone = Number.isNaN(sequence)
    if (hasNone && this.#newest.length === 0) return 0
    const first = eventTimeMs * VERSIONS_PER_MS
    if (floor >= first + VERSIONS_PER_MS) return 0
    const at = pairId * FIELDS
    if (at >= this.#newest.length) this.#newest = enlarged(this.#newest, new Float64Array(Math.max(1024, at * 2)))
    const newest = this.#newest
    const isKnown = newest[at] === eventTimeMs
    const place = placeOf(sequence)
    // The newest value of this millisecond may be another node's, whose sequence only shows in its place.
    if (isKnown ? sequence < (newest[at + 1] as number) : !hasNone && isBehind(place, floor - first)) return -1
    newest[at] = eventTimeMs
    if (!hasNone || !isKnown) newest[at + 1] = sequence
    return place
  }

  /**
   * Whether the pair's newest sequence comes after that of another node's version, in the same millisecond. Its version may
   * be the lower one, because places come round.
   */
  isAfter(pairId: number, version: number): boolean {
    const at = pairId * FIELDS
    const sequence = this.#newest[at + 1]
    if (sequence === undefined || this.#newest[at] !== eventTimeOf(version)) return false
    const place = version % VERSIONS_PER_MS
    // It is false for the NaN of an update without a sequence.
    return place < SEQUENCE_PLACES && isBehind(place, sequence % SEQUENCE_PLACES)
  }
}

/** The remainder, and 0 for NaN. V8 computes `%` for doubles by a call that costs ten times as much. */
function placeOf(sequence: number): number {
  const int32 = sequence | 0
  if (int32 === sequence) return int32 & (SEQUENCE_PLACES - 1)
  return Math.floor(sequence - Math.floor(sequence / SEQUENCE_PLACES) * SEQUENCE_PLACES) || 0
}

/**
 * Whether a sequence's place is before that of the newest version. Places come round, so the shorter way between the two
 * decides, as in RFC 1982: it is the right one while the two sequences are less than 1,024 apart. After a version that no
 * sequence gave nobody can tell.
 */
function isBehind(place: number, newest: number): boolean {
  if (newest < 0 || newest >= SEQUENCE_PLACES) return false
  const ahead = (newest - place + SEQUENCE_PLACES) % SEQUENCE_PLACES
  return ahead > 0 && ahead < SEQUENCE_PLACES / 2
}
