/**
 * Reads four bytes at a time. Decoding spends its time in loops over names and numbers, and a word is read as fast as a
 * byte. The records of one fetch lie in one buffer, so its view is made once and not for each record.
 */

export interface Surroundings {
  readonly bytes: Buffer
  readonly view: DataView
}

let lastBuffer: ArrayBufferLike = new ArrayBuffer(0)
let last: Surroundings = surroundings(lastBuffer)

/** The whole buffer that `bytes` lies in, from `bytes.byteOffset` on. Keeps the last buffer alive. */
export function aroundOf(bytes: Uint8Array): Surroundings {
  const { buffer } = bytes
  if (buffer !== lastBuffer) {
    lastBuffer = buffer
    last = surroundings(buffer)
  }
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
 * Subtracting n from a byte below n borrows into its high bit (Mycroft 1987). A neighbour's borrow needs such a byte
 * too.
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

/** The number of four ASCII digits, the first digit in the lowest byte. */
export function fourDigits(word: number): number {
  const digits = word & 0x0f0f0f0f
  const pairs = (digits * 10 + (digits >>> 8)) & 0x00ff00ff
  return (pairs & 0xff) * 100 + (pairs >>> 16)
}

/** Whether the bytes from `one` on and those from `other` on are the same. */
export function areSame(view: DataView, one: number, other: number, length: number): boolean {
  let i = 0
  for (; i + 4 <= length; i += 4) if (view.getInt32(one + i) !== view.getInt32(other + i)) return false
  for (; i < length; i++) if (view.getUint8(one + i) !== view.getUint8(other + i)) return false
  return true
}
