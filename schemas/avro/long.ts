/** The position after the varint that was read last. It is kept here because a field of a reader would cost more. */
export const NEXT = new Int32Array(1)

/** Reads a zigzag varint; NaN if the record ends within it, or it has more than 64 bits. It is rounded beyond 2⁵³. */
export function readLong(bytes: Buffer, from: number): number {
  let at = from
  if (at >= bytes.length) return nothing(bytes)
  let byte = bytes[at++] as number
  let low = byte & 0x7f
  // Four bytes of seven bits fit a small integer; the rest is added as a double.
  for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
    if (at >= bytes.length) return nothing(bytes)
    byte = bytes[at++] as number
    low |= (byte & 0x7f) << shift
  }
  if (byte < 0x80) {
    NEXT[0] = at
    return (low >>> 1) ^ -(low & 1)
  }
  let high = 0
  for (let scale = 1; byte >= 0x80; scale *= 128) {
    if (at >= bytes.length || scale > 2 ** 35) return nothing(bytes)
    byte = bytes[at++] as number
    high += (byte & 0x7f) * scale
  }
  if (high >= 2 ** 36) return nothing(bytes)
  NEXT[0] = at
  const half = high * 2 ** 27 + (low >>> 1)
  return low & 1 ? -half - 1 : half
}

/** Moves past the end, so that no later byte is misread. */
function nothing(bytes: Buffer): number {
  NEXT[0] = bytes.length + 1
  return Number.NaN
}

/** The same, and exact: for a number that `readLong` rounds. */
export function readBigLong(bytes: Buffer, from: number): bigint {
  let value = 0n
  let shift = 0n
  for (let at = from; at < bytes.length; at++, shift += 7n) {
    const byte = bytes[at] as number
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  return (value >> 1n) ^ -(value & 1n)
}
