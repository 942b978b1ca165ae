const MAX_SCALE = 2 ** 63

/** The position at which `varint` reads. There is one reader at a time, because a decode is one synchronous step. */
export const CURSOR = { at: 0 }

/**
 * Reads a zigzag encoded integer of at most ten bytes, exact up to 2^52. Throws if the bytes end before it. The
 * caller checks that it ends within its record.
 */
export function varint(bytes: Buffer): number {
  const first = bytes[CURSOR.at++] as number
  if (first < 0x80) return (first >>> 1) ^ -(first & 1)
  const second = bytes[CURSOR.at] as number
  if (second < 0x80) {
    CURSOR.at++
    const value = (first & 0x7f) | (second << 7)
    return (value >>> 1) ^ -(value & 1)
  }
  return longVarint(bytes, first)
}

function longVarint(bytes: Buffer, first: number): number {
  let value = first & 0x7f
  for (let scale = 0x80; scale <= MAX_SCALE; scale *= 0x80) {
    const byte = bytes[CURSOR.at++]
    if (byte === undefined) break
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return first & 1 ? -(value + 1) / 2 : value / 2
  }
  throw new Error('an integer that does not end')
}
