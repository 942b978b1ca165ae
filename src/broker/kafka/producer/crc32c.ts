/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of Kafka's record batches. Eight bytes a step, each through
 * a table of its own ("slicing by 8", Kounavis and Berry 2005); Node's own crc32 has the other polynomial.
 */

const POLYNOMIAL = 0x82f63b78
const BYTES_A_STEP = 8

const TABLES = makeTables()
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [Table, Table, Table, Table, Table, Table, Table, Table]

type Table = Int32Array<ArrayBuffer>

/** The checksum of the bytes from `from` up to `to`, an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = -1
  let at = from
  for (; at + BYTES_A_STEP <= to; at += BYTES_A_STEP) {
    crc ^=
      byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24)
    crc =
      entry(T7, crc & 255) ^
      entry(T6, (crc >>> 8) & 255) ^
      entry(T5, (crc >>> 16) & 255) ^
      entry(T4, crc >>> 24) ^
      entry(T3, byteAt(bytes, at + 4)) ^
      entry(T2, byteAt(bytes, at + 5)) ^
      entry(T1, byteAt(bytes, at + 6)) ^
      entry(T0, byteAt(bytes, at + 7))
  }
  for (; at < to; at++) crc = entry(T0, (crc ^ byteAt(bytes, at)) & 255) ^ (crc >>> 8)
  return (crc ^ -1) >>> 0
}

function makeTables(): Table[] {
  const tables = Array.from({ length: BYTES_A_STEP }, () => new Int32Array(256))
  const [first = new Int32Array(256)] = tables
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    first[byte] = crc
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = entry(first, byte)
    for (const table of tables.slice(1)) {
      crc = entry(first, crc & 255) ^ (crc >>> 8)
      table[byte] = crc
    }
  }
  return tables
}

function entry(table: Table, byte: number): number {
  return table[byte] as number
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}
