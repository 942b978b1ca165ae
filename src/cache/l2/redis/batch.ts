import type { PriceColumns } from '../../cached-price.ts'
import { jitteredTtlMs } from '../../ttl.ts'
import { encodeValue, MAX_VALUE_BYTES } from '../value.ts'
import type { PairKeys } from './keys.ts'
import { DEADLINE_BYTES, ROW_HEAD_BYTES } from './library.ts'

/**
 * Keys of one versioned call. Redis serves nobody else while a call runs (about 2 µs a key), and a longer call saves
 * next to nothing: from 64 keys on, entries per second no longer grow.
 */
export const KEYS_A_CALL = 64

/** One call of the library: keys of one chain, and the packed argument, whose deadline is set when it is sent. */
export interface VersionedCall {
  readonly keys: readonly string[]
  /** Where each key stood in what was to be written or deleted. */
  readonly rows: readonly number[]
  readonly packed: Buffer
}

export interface Rows {
  readonly columns: PriceColumns
  /** Inclusive. */
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

export interface JitteredTtl {
  readonly ttlMs: number
  readonly random: () => number
}

const LONGEST_TTL_MS = 0xffff_ffff

/** Rows of version 0 are no values (their pairs were delisted while they waited) and are left out. */
export function writeCalls({ columns, from, to }: Rows, keys: PairKeys, ttl: JitteredTtl): VersionedCall[] {
  const calls: VersionedCall[] = []
  for (const group of keys.groupByChain(columns.pairIds, { from, to, limit: KEYS_A_CALL })) {
    const rows = group.filter((row) => (columns.versions[row] as number) > 0)
    if (rows.length > 0) calls.push(writeCall(columns, rows, keys, ttl))
  }
  return calls
}

export function deleteCalls(pairIds: readonly number[], keys: PairKeys): VersionedCall[] {
  return keys.groupByChain(pairIds, { from: 0, to: pairIds.length, limit: KEYS_A_CALL }).map((group) => ({
    keys: group.map((position) => keys.keyOf(pairIds[position] as number)),
    rows: group,
    packed: Buffer.allocUnsafe(DEADLINE_BYTES),
  }))
}

/** A call without keys: it is refused where a write would be (read-only replica, no memory) and changes nothing. */
export function emptyCall(): VersionedCall {
  return { keys: [], rows: [], packed: Buffer.allocUnsafe(DEADLINE_BYTES) }
}

function writeCall(columns: PriceColumns, rows: readonly number[], keys: PairKeys, ttl: JitteredTtl): VersionedCall {
  const packed = Buffer.allocUnsafe(DEADLINE_BYTES + rows.length * (ROW_HEAD_BYTES + MAX_VALUE_BYTES))
  const names: string[] = []
  let end = DEADLINE_BYTES
  for (const row of rows) {
    names.push(keys.keyOf(columns.pairIds[row] as number))
    const length = encodeValue(columns, row, packed, end + ROW_HEAD_BYTES)
    packed.writeUInt32LE(Math.min(jitteredTtlMs(ttl.ttlMs, ttl.random), LONGEST_TTL_MS), end)
    packed[end + 4] = length
    end += ROW_HEAD_BYTES + length
  }
  return { keys: names, rows, packed: packed.subarray(0, end) }
}
