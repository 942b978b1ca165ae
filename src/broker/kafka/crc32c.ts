/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of Kafka's record batches. Node's own crc32 has another
 * polynomial. A step takes 16 bytes, each through a table of its own ("slicing by 16", after Kounavis and Berry 2005).
 * The loop is WebAssembly, assembled below: it takes a third of the time that the same loop takes in JavaScript.
 *
 * Memory: 16 tables of 256 entries of 4 bytes, then the piece of the bytes that the loop reads.
 */
const POLYNOMIAL = 0x82f63b78
const STEP_BYTES = 16
const TABLE_BYTES = 1024
const PIECE_AT = STEP_BYTES * TABLE_BYTES
const PIECE_BYTES = 32_768
const PAGE_BYTES = 65_536

/** WebAssembly's binary code: instructions and their operands. */
type Code = readonly number[]

const I32 = 0x7f
const XOR = 0x73
/** The parameters of `run`, and its one local variable. */
const REGISTER = 0
const AT = 1
const END = 2
const WORD = 3

/** The part that is used here. The compiler knows WebAssembly only together with all of a browser's types. */
declare const WebAssembly: {
  Module: new (binary: Uint8Array) => object
  Instance: new (
    module: object,
  ) => { readonly exports: { readonly memory: { buffer: ArrayBuffer }; readonly run: Loop } }
}

/** Returns the CRC register after the memory's bytes from `at` up to `end`, which are whole steps and at least one. */
type Loop = (register: number, at: number, end: number) => number

const { memory, run } = new WebAssembly.Instance(new WebAssembly.Module(assembled())).exports
const tables = new Int32Array(memory.buffer, 0, PIECE_AT / 4)
const piece = new Uint8Array(memory.buffer, PIECE_AT, PIECE_BYTES)
fillTables()

/** The checksum of the bytes from `from` up to `to`, an unsigned 32 bit number. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let register = -1
  let at = from
  while (to - at >= STEP_BYTES) {
    const length = Math.min(PIECE_BYTES, to - at) & -STEP_BYTES
    piece.set(bytes.subarray(at, at + length))
    register = run(register, PIECE_AT, PIECE_AT + length)
    at += length
  }
  for (; at < to; at++) register = entry((register ^ (bytes[at] as number)) & 255) ^ (register >>> 8)
  return ~register >>> 0
}

/** The first table has the CRC of each byte, every further one that of the byte with one more zero byte after it. */
function fillTables(): void {
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[byte] = crc
  }
  for (let at = 256; at < tables.length; at++) tables[at] = entry(entry(at - 256) & 255) ^ (entry(at - 256) >>> 8)
}

function entry(at: number): number {
  return tables[at] as number
}

/**
 * A module that exports `memory` and `run`:
 *
 *     do {
 *       word = register ^ load32(at)
 *       register = table[11][load8(at + 4)] ^ … ^ table[0][load8(at + 15)] ^ table[15][word & 255] ^ …
 *       at += 16
 *     } while (at < end)
 *
 * The bytes that do not depend on the register come first: the next step then waits for four look-ups and not for 16.
 */
function assembled(): Uint8Array {
  const last = STEP_BYTES - 1
  const free = Array.from({ length: STEP_BYTES - 4 }, (_, place) => [
    ...[...get(AT), 0x2d, 0, ...varint(place + 4)], // i32.load8_u
    ...lookUp(last - 4 - place),
    ...(place > 0 ? [XOR] : []),
  ])
  const waiting = [0, 1, 2, 3].map((place) => [
    ...[...get(WORD), ...number(24 - 8 * place), 0x74, ...number(24), 0x76], // i32.shl, i32.shr_u: one byte of the word
    ...lookUp(last - place),
    XOR,
  ])
  const body = [
    ...[0x03, 0x40], // loop
    ...free.flat(),
    ...[...get(REGISTER), ...get(AT), ...load(0), XOR, ...set(WORD)],
    ...waiting.flat(),
    ...set(REGISTER),
    ...[...get(AT), ...number(STEP_BYTES), 0x6a, ...set(AT)], // i32.add
    ...[...get(AT), ...get(END), 0x49, 0x0d, 0, 0x0b], // i32.lt_u, br_if to the loop, end of the loop
    ...[...get(REGISTER), 0x0b], // what it returns, end of the function
  ]
  const pages = Math.ceil((PIECE_AT + PIECE_BYTES) / PAGE_BYTES)
  return Uint8Array.from([
    ...[0x00, ...Buffer.from('asm'), 1, 0, 0, 0],
    ...section(1, [0x60, ...sized([I32, I32, I32]), ...sized([I32])]), // the type of `run`
    ...section(3, [0]), // a function of this type
    ...section(5, [0, pages]), // a memory
    ...[7, ...sized([2, ...sized(Buffer.from('memory')), 2, 0, ...sized(Buffer.from('run')), 0, 0])], // both exported
    ...section(10, sized([1, 1, I32, ...body])), // the function's code, with `word` as one more local
  ])
}

function get(local: number): Code {
  return [0x20, local]
}

function set(local: number): Code {
  return [0x21, local]
}

/** A constant below 64: larger ones need more than one byte. */
function number(value: number): Code {
  return [0x41, value]
}

/** Loads 32 bits from the address on the stack plus `offset`. */
function load(offset: number): Code {
  return [0x28, 0, ...varint(offset)]
}

/** Replaces the byte on the stack by its entry in that table. */
function lookUp(table: number): Code {
  return [...number(2), 0x74, ...load(table * TABLE_BYTES)] // i32.shl
}

/** A section that holds one thing. */
function section(id: number, thing: Code): Code {
  return [id, ...sized([1, ...thing])]
}

function sized(code: ArrayLike<number>): Code {
  return [...varint(code.length), ...Array.from(code)]
}

function varint(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
