/**
 * Byte strings to small integers. A name is looked up by its bytes, where they lie in a record, so that no string is built
 * for a known name. The table is a hash table with open addressing and 32-bit hashes; the UTF-8 bytes of all names lie in
 * one arena. A name may stand under several owners (a pair under its chain); ids count up from 0 over all of them.
 */

import { enlarged } from '../../../schemas/enlarged.ts'

const MAX_LOAD = 0.5
/** Odd constants with well-spread bits: 2³² ÷ the golden ratio, and a factor of MurmurHash3 (Appleby, public domain). */
const SEED = 0x9e3779b9
const FACTOR = 0x85ebca6b
const NOT_FOUND = -1

export class NameTable {
  #count = 0
  #owners = new Int32Array(1024)
  #hashes = new Int32Array(1024)
  /** The start of each name's bytes in the arena; they end where those of the next name start. */
  #starts = new Int32Array(1025)
  #arena = new DataView(new ArrayBuffer(16_384))
  /** Id + 1; 0 in a free slot. */
  #slots = new Int32Array(2048)

  get size(): number {
    return this.#count
  }

  /** -1 for an id that was not given. */
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

  /** Gives the next id to a name that is not in the table yet. */
  add(name: Uint8Array, owner: number): number {
    const id = this.#count++
    this.#reserve(id, name.length)
    const from = this.#starts[id] as number
    new Uint8Array(this.#arena.buffer).set(name, from)
    this.#starts[id + 1] = from + name.length
    this.#hashes[id] = hashBytes(this.#arena, from, from + name.length, owner)
    this.#owners[id] = owner
    this.#place(id)
    return id
  }

  #isNamed(id: number, source: DataView, start: number, end: number): boolean {
    const from = this.#starts[id] as number
    const length = end - start
    if ((this.#starts[id + 1] as number) - from !== length) return false
    const arena = this.#arena
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
      this.#starts = enlarged(this.#starts, new Int32Array(id * 2 + 1))
    }
    const used = this.#starts[id] as number
    if (used + nameBytes > this.#arena.byteLength) {
      const names = new Uint8Array(this.#arena.buffer, 0, used)
      this.#arena = new DataView(enlarged(names, new Uint8Array((used + nameBytes) * 2)).buffer)
    }
    if (id + 1 > this.#slots.length * MAX_LOAD) {
      this.#slots = new Int32Array(this.#slots.length * 2)
      for (let placed = 0; placed < id; placed++) this.#place(placed)
    }
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
