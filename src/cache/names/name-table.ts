/**
 * Byte strings to small integers. A name is looked up by its bytes, where they lie in a record, so that no string is built
 * for a known name. The table is a hash table with open addressing and 32-bit hashes; the UTF-8 bytes of all names lie in
 * one arena. A name may stand under several owners (a pair under its chain). Ids count up from 0 over all of them, and the id
 * of a name that was removed goes to the next one.
 */

import { enlarged } from '../../../schemas/enlarged.ts'

const MAX_LOAD = 0.5
/** Odd constants with well-spread bits: 2³² ÷ the golden ratio, and a factor of MurmurHash3 (Appleby, public domain). */
const SEED = 0x9e3779b9
const FACTOR = 0x85ebca6b
const NOT_FOUND = -1
const LENGTH_BYTES = 2

export class NameTable {
  #count = 0
  /** Ids of names that were removed. */
  readonly #free: number[] = []
  #owners = new Int32Array(1024)
  #hashes = new Int32Array(1024)
  /** The start of each name's bytes in the arena. Before them stands how many they are, so that both are at hand together. */
  #starts = new Int32Array(1024)
  #arena = new DataView(new ArrayBuffer(16_384))
  /** Bytes in the arena, and those of them that belong to names. */
  #used = 0
  #live = 0
  /** Id + 1; 0 in a free slot. */
  #slots = new Int32Array(2048)

  get size(): number {
    return this.#count - this.#free.length
  }

  /** All ids are below it. */
  get end(): number {
    return this.#count
  }

  /** What the names and the table take. */
  get bytes(): number {
    return this.#arena.byteLength + 4 * (3 * this.#hashes.length + this.#slots.length)
  }

  /** -1 for an id that no name has. */
  ownerOf(id: number): number {
    return id < this.#count ? (this.#owners[id] ?? NOT_FOUND) : NOT_FOUND
  }

  /** The id of the name in bytes `start` (inclusive) to `end` (exclusive); -1 if it has none. */
  find(source: DataView, start: number, end: number, owner: number): number {
    const hash = hashBytes(source, start, end, owner)
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] as number
      if (entry === 0) return NOT_FOUND
      if (
        this.#hashes[entry - 1] === hash &&
        this.#owners[entry - 1] === owner &&
        this.#isNamed(entry - 1, source, start, end)
      )
        return entry - 1
    }
  }

  /** Gives an id to a name that is not in the table yet. */
  add(name: Uint8Array, owner: number): number {
    const id = this.#free.pop() ?? this.#count
    this.#reserve(id, name.length)
    if (id === this.#count) this.#count++
    const from = this.#used + LENGTH_BYTES
    this.#arena.setUint16(this.#used, name.length)
    new Uint8Array(this.#arena.buffer).set(name, from)
    this.#used += LENGTH_BYTES + name.length
    this.#live += LENGTH_BYTES + name.length
    this.#starts[id] = from
    this.#hashes[id] = hashBytes(this.#arena, from, from + name.length, owner)
    this.#owners[id] = owner
    this.#place(id)
    return id
  }

  /** Removes the name of an id. Names that were placed after it because of it move up, so that they are still found. */
  remove(id: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let hole = (this.#hashes[id] as number) & mask
    while (slots[hole] !== id + 1) hole = (hole + 1) & mask
    for (let next = (hole + 1) & mask; slots[next] !== 0; next = (next + 1) & mask) {
      const home = (this.#hashes[(slots[next] as number) - 1] as number) & mask
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      slots[hole] = slots[next] as number
      hole = next
    }
    slots[hole] = 0
    this.#owners[id] = NOT_FOUND
    this.#live -= LENGTH_BYTES + this.#lengthAt(this.#starts[id] as number)
    this.#free.push(id)
  }

  #lengthAt(start: number): number {
    return this.#arena.getUint16(start - LENGTH_BYTES)
  }

  #isNamed(id: number, source: DataView, start: number, end: number): boolean {
    const from = this.#starts[id] as number
    const length = end - start
    const arena = this.#arena
    if (arena.getUint16(from - LENGTH_BYTES) !== length) return false
    let i = 0
    for (; i + 4 <= length; i += 4)
      if (arena.getInt32(from + i, true) !== source.getInt32(start + i, true)) return false
    for (; i < length; i++) if (arena.getUint8(from + i) !== source.getUint8(start + i)) return false
    return true
  }

  #place(id: number): void {
    const mask = this.#slots.length - 1
    let slot = (this.#hashes[id] as number) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = id + 1
  }

  #reserve(id: number, nameBytes: number): void {
    if (id >= this.#hashes.length) {
      this.#owners = enlarged(this.#owners, new Int32Array(id * 2))
      this.#hashes = enlarged(this.#hashes, new Int32Array(id * 2))
      this.#starts = enlarged(this.#starts, new Int32Array(id * 2))
    }
    const bytes = LENGTH_BYTES + nameBytes
    if (this.#used + bytes > this.#arena.byteLength) this.#moveNames((this.#live + bytes) * 2)
    if (id + 1 > this.#slots.length * MAX_LOAD) {
      this.#slots = new Int32Array(this.#slots.length * 2)
      for (let placed = 0; placed < id; placed++) if (this.#owners[placed] !== NOT_FOUND) this.#place(placed)
    }
  }

  /** Moves the bytes of all names into a new arena. Those of removed names stay behind. */
  #moveNames(bytes: number): void {
    const to = new Uint8Array(Math.max(bytes, this.#arena.byteLength))
    let end = 0
    for (let id = 0; id < this.#count; id++) {
      if (this.#owners[id] === NOT_FOUND) continue
      const from = (this.#starts[id] as number) - LENGTH_BYTES
      const span = LENGTH_BYTES + this.#lengthAt(from + LENGTH_BYTES)
      to.set(new Uint8Array(this.#arena.buffer, from, span), end)
      this.#starts[id] = end + LENGTH_BYTES
      end += span
    }
    this.#arena = new DataView(to.buffer)
    this.#used = end
  }
}

/** Takes four bytes at a time, then the rest; owner and length are the seed. */
function hashBytes(bytes: DataView, start: number, end: number, owner: number): number {
  let hash = SEED ^ Math.imul(owner, FACTOR) ^ (end - start)
  let at = start
  for (; at + 4 <= end; at += 4) hash = mixed(hash, bytes.getInt32(at, true))
  let rest = 0
  for (; at < end; at++) rest = (rest << 8) | bytes.getUint8(at)
  hash = mixed(hash, rest)
  return hash ^ (hash >>> 16)
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, FACTOR)
  return product ^ (product >>> 15)
}
