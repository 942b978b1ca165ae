/**
 * Four bytes at a time: the decoders' loops over names and numbers are what decoding costs, and a word is read as fast
 * as a byte. Records of one fetch lie in one buffer: its view is made once, and not once a record.
 */

export interface Surroundings {
  readonly bytes: Buffer
  readonly view: DataView
}

let last: Surroundings = surroundings(new ArrayBuffer(0))

/** The whole buffer that `bytes` lies in, where its first byte is at `bytes.byteOffset`. Holds on to the last buffer. */
export function aroundOf(bytes: Uint8Array): Surroundings {
  if (bytes.buffer !== last.bytes.buffer) last = surroundings(bytes.buffer)
  return last
}

function surroundings(buffer: ArrayBufferLike): Surroundings {
  return { bytes: Buffer.from(buffer), view: new DataView(buffer) }
}

const HIGH_BITS = 0x80808080 | 0
const SPACES = 0x20202020
const QUOTES = 0x22222222
const BACKSLASHES = 0x5c5c5c5c
const ONES = 0x01010101

/**
 * Whether all four bytes may stand in a JSON string as they are: ASCII, no control character, quote or backslash.
 * A byte below n borrows its high bit when n is taken from it (Mycroft 1987); a borrow from a neighbour needs one too.
 */
export function isPlain(word: number): boolean {
  const quote = (word ^ QUOTES) - ONES
  const backslash = (word ^ BACKSLASHES) - ONES
  return ((word | (word - SPACES) | quote | backslash) & HIGH_BITS) === 0
}

/** Whether all four bytes are ASCII digits. */
export function areDigits(word: number): boolean {
  return ((word & 0xf0f0f0f0) | 0) === 0x30303030 && ((word + 0x06060606) & 0xf0f0f0f0) === 0x30303030
}

/** The number that four ASCII digits make, the first in the lowest byte. */
export function fourDigits(word: number): number {
  const digits = word & 0x0f0f0f0f
  const pairs = (digits * 10 + (digits >>> 8)) & 0x00ff00ff
  return (pairs & 0xff) * 100 + (pairs >>> 16)
}
