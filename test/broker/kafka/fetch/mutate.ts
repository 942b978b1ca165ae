import { AT, COUNT_AT, HEADER_BYTES, sealed } from './batches.ts'

/** A number from 0 up to below 1. */
export type Random = () => number

const FIELDS: readonly (readonly [at: number, bytes: 1 | 2 | 4 | 8])[] = [
  [AT.base, 8],
  [AT.length, 4],
  [AT.version, 1],
  [AT.crc, 4],
  [AT.attributes, 2],
  [AT.lastDelta, 4],
  [27, 8],
  [35, 8],
  [43, 8],
  [COUNT_AT, 4],
]
const EXTREMES = [
  0n,
  1n,
  -1n,
  2n,
  -2n,
  48n,
  49n,
  50n,
  127n,
  128n,
  2n ** 31n - 1n,
  -(2n ** 31n),
  2n ** 53n,
  2n ** 63n - 1n,
]
const VARINTS = [
  '00',
  '01',
  '7f',
  'ff01',
  'ffffffff0f',
  'feffffff0f',
  'ffffffffffffffffff01',
  'ffffffffffffffffffffff',
  '808000',
]

/** The bytes with one to three things wrong. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let mutant: Buffer = Buffer.from(bytes)
  for (let left = 1 + below(3, random); left > 0 && mutant.length > 0; left--) mutant = mutateOnce(mutant, random)
  return mutant
}

/** Hides damage: every batch that can be found gets the checksum that it should have. */
export function resealed(bytes: Buffer): Buffer {
  for (const at of batchesOf(bytes)) {
    const end = at + AT.leaderEpoch + bytes.readInt32BE(at + AT.length)
    if (end >= at + HEADER_BYTES && end <= bytes.length) sealed(bytes.subarray(at, end))
  }
  return bytes
}

export function below(bound: number, random: Random): number {
  return Math.floor(random() * bound)
}

export function pick<T>(from: readonly T[], random: Random): T {
  return from[below(from.length, random)] as T
}

function mutateOnce(bytes: Buffer, random: Random): Buffer {
  const at = below(bytes.length, random)
  switch (below(6, random)) {
    case 0:
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << below(8, random)), at)
      return bytes
    case 1:
      bytes.writeUInt8(below(256, random), at)
      return bytes
    case 2: {
      const length = random() < 0.3 ? bytes.length : 1 + below(12, random)
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    }
    case 3: {
      const from = below(bytes.length, random)
      const inserted = bytes.subarray(from, from + 1 + below(70, random))
      return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)])
    }
    case 4:
      Buffer.from(pick(VARINTS, random), 'hex').copy(bytes, at)
      return bytes
    default: {
      const [field, width] = pick(FIELDS, random)
      const batch = pick([...batchesOf(bytes), at], random)
      writeLow(bytes, batch + field, width, pick(EXTREMES, random))
      return bytes
    }
  }
}

/** The places at which batches begin, as far as one leads to the next. */
function batchesOf(bytes: Buffer): number[] {
  const begins: number[] = []
  for (let at = 0; bytes.length - at >= AT.leaderEpoch; ) {
    begins.push(at)
    const next = at + AT.leaderEpoch + bytes.readInt32BE(at + AT.length)
    if (next <= at) break
    at = next
  }
  return begins
}

function writeLow(bytes: Buffer, at: number, width: number, value: bigint): void {
  for (let place = 0; place < width && at + place < bytes.length; place++)
    bytes[at + place] = Number(BigInt.asUintN(8, value >> BigInt(8 * (width - 1 - place))))
}
