import { ForewarmError } from '../../forewarm-error.ts'
import { MAX_SOURCES, SOURCE_BITS } from '../sources/sources.ts'

/**
 * The memory of L1: one SharedArrayBuffer that its writer fills and that readers in other threads attach to.
 *
 *   header      64 B           magic, layout, slots, pairs (Int32 each)
 *   floors      8 B a pair     the lowest version still accepted; it outlives eviction, expiry and delisting
 *   copies      2 × 64 B a slot, one after the other
 *   moments     8 B a slot     when its value was known to be the newest; Infinity: the moment of its source
 *   slotOfPair  4 B a pair     slot + 1, 0: not resident
 *   pairOfSlot  4 B a slot     pair id + 1, 0: free
 *   generations 4 B a slot     which of the two copies is valid: generation & 1
 *   reads       1 B a slot     demand reads since eviction last looked at it; readers count here, too
 *
 *   copy   0        8      16   24   32        40        48         56    60
 *          version  price  bid  ask  reserve0  reserve1  liquidity  tag   origin
 *
 * The tag holds the pair's id in its lower 26 bits, and above them a bit for each number that is present. Absent numbers
 * are neither stored nor loaded. The origin holds the source of the value in its lower 14 bits. Above them it holds how many
 * pairs had the id before: a copy stays in a free slot, and must not be taken for a value of the pair that gets the id next.
 */

export const WORDS = 16
export const TAG_WORD = 14
export const ORIGIN_WORD = 15
export const PAIR_BITS = 26
export const PAIR_MASK = 2 ** PAIR_BITS - 1
/** A pair as other threads name it is a double: its id, and above these bits how many pairs had that id before. */
const MOST_NAMES = 2 ** 17

/** Counts the pairs that had an id; begins anew when a double would have no room. */
export function nextName(nth: number): number {
  return (nth + 1) % MOST_NAMES
}

export function sharedIdOf(pairId: number, nth: number): number {
  return nth * (PAIR_MASK + 1) + pairId
}

const MAGIC = 0x4c316677
/** Rises with every change of the layout. */
const LAYOUT = 3
const HEADER_WORDS = 16
const HEADER_BYTES = HEADER_WORDS * 4
const COPY_BYTES = WORDS * 4
/** Two copies, moment, generation, pair and read count; beside them the residency's links, part, kind and birth, and the expiry. */
export const SLOT_BYTES = 2 * COPY_BYTES + 8 + 4 + 4 + 1 + 18 + 8
/** Floor, slot, whether the pair is known, and when a warm pushed it out. */
export const PAIR_BYTES = 8 + 4 + 1 + 4

/** The origin word of a copy: how many pairs had its id before, and the source of its value. */
export function originOf(nth: number, source: number): number {
  return (nth << SOURCE_BITS) | source
}

export function nthOf(origin: number): number {
  return origin >>> SOURCE_BITS
}

export function sourceOf(origin: number): number {
  return origin & (MAX_SOURCES - 1)
}

export interface L1Size {
  readonly slots: number
  readonly maxPairs: number
}

/** The slots that fit into so many megabytes beside the memory of `maxPairs` pairs; at least half is for slots. */
export function slotsIn(megabytes: number, maxPairs: number): number {
  const bytes = megabytes * 1024 * 1024
  return Math.max(1, Math.floor(Math.max(bytes / 2, bytes - maxPairs * PAIR_BYTES) / SLOT_BYTES))
}

/** Views of the buffer; plain arrays of the same memory. */
export interface L1Memory extends L1Size {
  readonly buffer: SharedArrayBuffer
  readonly floors: Float64Array
  readonly slotOfPair: Int32Array
  readonly pairOfSlot: Int32Array
  readonly generations: Int32Array
  /** The copies, two a slot. */
  readonly words: Int32Array
  readonly doubles: Float64Array
  readonly reads: Uint8Array
  /** As doubles, and as the integers that threads exchange. */
  readonly moments: Float64Array
  readonly momentBits: BigInt64Array
}

export function createL1Memory({ slots, maxPairs }: L1Size): L1Memory {
  if (maxPairs > PAIR_MASK + 1) throw new RangeError(`at most ${PAIR_MASK + 1} pairs, got ${maxPairs}`)
  const buffer = new SharedArrayBuffer(bytesOf({ slots, maxPairs }))
  new Int32Array(buffer, 0, HEADER_WORDS).set([MAGIC, LAYOUT, slots, maxPairs])
  return viewsOf(buffer, { slots, maxPairs })
}

/** Throws a ForewarmError `bad-shared-memory` if the buffer is not the memory of an L1, or has another layout. */
export function attachL1Memory(buffer: unknown): L1Memory {
  if (!(buffer instanceof SharedArrayBuffer) || buffer.byteLength < HEADER_BYTES)
    throw badMemory('a SharedArrayBuffer that a node made', String(buffer))
  const [magic = 0, layout = 0, slots = 0, maxPairs = 0] = new Int32Array(buffer, 0, HEADER_WORDS)
  if (magic !== MAGIC) throw badMemory('memory of an L1', `another one, which begins with ${magic}`)
  if (layout !== LAYOUT) throw badMemory(`layout ${LAYOUT}`, `layout ${layout}: both sides must run the same version`)
  const expected = bytesOf({ slots, maxPairs })
  if (slots <= 0 || maxPairs <= 0 || buffer.byteLength !== expected)
    throw badMemory(`${expected} bytes for ${slots} slots and ${maxPairs} pairs`, `${buffer.byteLength}`)
  return viewsOf(buffer, { slots, maxPairs })
}

function badMemory(expected: string, received: string): ForewarmError {
  return new ForewarmError('bad-shared-memory', `expected ${expected}, got ${received}`)
}

function bytesOf({ slots, maxPairs }: L1Size): number {
  return HEADER_BYTES + maxPairs * 8 + slots * (2 * COPY_BYTES + 8) + maxPairs * 4 + slots * 8 + slots
}

/** Eight-byte values come first, then those of four bytes, then those of one: so each is aligned. */
function viewsOf(buffer: SharedArrayBuffer, { slots, maxPairs }: L1Size): L1Memory {
  const copies = HEADER_BYTES + maxPairs * 8
  const moments = copies + slots * 2 * COPY_BYTES
  const slotOfPair = moments + slots * 8
  const pairOfSlot = slotOfPair + maxPairs * 4
  const generations = pairOfSlot + slots * 4
  return {
    slots,
    maxPairs,
    buffer,
    floors: new Float64Array(buffer, HEADER_BYTES, maxPairs),
    moments: new Float64Array(buffer, moments, slots),
    momentBits: new BigInt64Array(buffer, moments, slots),
    words: new Int32Array(buffer, copies, slots * 2 * WORDS),
    doubles: new Float64Array(buffer, copies, slots * WORDS),
    slotOfPair: new Int32Array(buffer, slotOfPair, maxPairs),
    pairOfSlot: new Int32Array(buffer, pairOfSlot, slots),
    generations: new Int32Array(buffer, generations, slots),
    reads: new Uint8Array(buffer, generations + slots * 4, slots),
  }
}
