import { isTombstone, MAX_VERSION, type PriceColumns } from '../../cached-price.ts'
import { jitteredTtlMs } from '../../ttl.ts'
import type { Deletion, StampOf } from '../l2.ts'
import { encodeValue, mostBytesOf } from '../value.ts'
import type { PairKeys } from './keys.ts'
import { DELETION_BYTES, HEAD_BYTES_OF_CALL, ROW_HEAD_BYTES, STAMP_HEAD_BYTES, TTL_BYTES } from './library.ts'

/**
 * Keys in one versioned call. Redis serves nobody else while a call runs (about 2 µs a key), and a longer call saves next
 * to nothing: beyond 64 keys, entries per second no longer grow.
 */
export const KEYS_A_CALL = 64
/** So much JSON takes about as long as a key. */
const JSON_BYTES_A_ROW = 1_024

/** One call of the library: keys that Redis takes together, and the packed argument. Its head is set when it is sent. */
export interface VersionedCall {
  readonly keys: readonly string[]
  /** The row of each key, or its place in the list of pairs to be deleted. */
  readonly rows: readonly number[]
  readonly packed: Buffer
  /** Called when it is sent, with the time of Redis's clock: that, or somewhat earlier. */
  readonly onSend?: (redisMs: number) => void
}

export interface JitteredTtl {
  /** How long a deletion is remembered. */
  readonly tombstoneTtlMs: number
  readonly ttlMs: number
  readonly random: () => number
}

/** A call for each group. Rows of version 0 are left out: their pairs were delisted while they waited. */
export function writeCalls(
  columns: PriceColumns,
  groups: readonly (readonly number[])[],
  { keys, ttl }: { readonly keys: PairKeys; readonly ttl: JitteredTtl },
): VersionedCall[] {
  const calls: VersionedCall[] = []
  for (const group of groups) {
    const rows = group.filter((row) => (columns.versions[row] as number) > 0)
    if (rows.length > 0) calls.push(writeCall(columns, rows, keys, ttl))
  }
  return calls
}

/** A call for each group of deletions. */
export function deleteCalls(
  deletions: readonly Deletion[],
  groups: readonly (readonly number[])[],
  { keys, ttlMs }: { readonly keys: PairKeys; readonly ttlMs: number },
): VersionedCall[] {
  return groups.map((group) => {
    const packed = Buffer.allocUnsafe(HEAD_BYTES_OF_CALL + group.length * DELETION_BYTES)
    let end = HEAD_BYTES_OF_CALL
    const names = group.map((position) => {
      const { pairId, version, upTo = MAX_VERSION } = deletions[position] as Deletion
      end = packed.writeUIntLE(ttlMs, end, TTL_BYTES)
      end = packed.writeDoubleLE(version, end)
      end = packed.writeDoubleLE(upTo, end)
      return keys.keyOf(pairId)
    })
    return { keys: names, rows: group, packed }
  })
}

/** A call for the stamps of one hash. `isKnown`: whether the source had a stamp there. */
export function stampCall(
  keys: readonly string[],
  stamps: readonly StampOf[],
  isKnown: (stamp: StampOf) => boolean,
): VersionedCall {
  const names = stamps.map(({ name }) => Buffer.from(name))
  const bytes = names.reduce((sum, name) => sum + STAMP_HEAD_BYTES + name.length, HEAD_BYTES_OF_CALL)
  const packed = Buffer.allocUnsafe(bytes)
  const onSend = (redisMs: number): void => {
    let at = HEAD_BYTES_OF_CALL
    for (const [place, stamp] of stamps.entries()) {
      const name = names[place] as Buffer
      const ageMs = stamp.ageMs()
      at = packed.writeUInt8(isKnown(stamp) ? 1 : 0, at)
      at = packed.writeDoubleLE(redisMs - ageMs, at)
      at = packed.writeDoubleLE(ageMs, at)
      at = packed.writeUInt16LE(name.length, at)
      at += name.copy(packed, at)
    }
  }
  return { keys, rows: [], packed, onSend }
}

/** A call without keys changes nothing, and Redis refuses it when it would refuse a write (replica, no memory). */
export function emptyCall(): VersionedCall {
  return { keys: [], rows: [], packed: Buffer.allocUnsafe(HEAD_BYTES_OF_CALL) }
}

function writeCall(columns: PriceColumns, rows: readonly number[], keys: PairKeys, ttl: JitteredTtl): VersionedCall {
  const bytes = rows.reduce((sum, row) => sum + ROW_HEAD_BYTES + mostBytesOf(columns, row), HEAD_BYTES_OF_CALL)
  const packed = Buffer.allocUnsafe(bytes)
  const names: string[] = []
  let end = HEAD_BYTES_OF_CALL
  for (const row of rows) {
    names.push(keys.keyOf(columns.pairIds[row] as number))
    const length = encodeValue(columns, row, packed, end + ROW_HEAD_BYTES)
    const stayMs = isTombstone(columns, row) ? ttl.tombstoneTtlMs : jitteredTtlMs(ttl.ttlMs, ttl.random)
    packed.writeUInt32LE(length, packed.writeUIntLE(stayMs, end, TTL_BYTES))
    end += ROW_HEAD_BYTES + length
  }
  return { keys: names, rows, packed: packed.subarray(0, end) }
}

/**
 * A row with much JSON counts for several, so that neither a call nor a trip gets long: Redis serves nobody else during a call,
 * and a trip has one time-out.
 */
function weightOf({ jsons }: PriceColumns, row: number): number {
  return 1 + Math.floor((jsons[row]?.bytes ?? 0) / JSON_BYTES_A_ROW)
}

/** Divides groups whose rows count for more than KEYS_A_CALL together. */
export function dividedGroups(columns: PriceColumns, groups: readonly number[][]): readonly number[][] {
  if (columns.jsonBytes === 0) return groups
  return groups.flatMap((group) => {
    const parts: number[][] = []
    let weight = Number.POSITIVE_INFINITY
    for (const row of group) {
      weight += weightOf(columns, row)
      if (weight > KEYS_A_CALL) {
        parts.push([])
        weight = weightOf(columns, row)
      }
      parts.at(-1)?.push(row)
    }
    return parts
  })
}

/** The groups from `next` on that count for so many rows at most together, and at least one group. */
export function nextTrip(
  columns: PriceColumns,
  groups: readonly (readonly number[])[],
  { next, mostRows }: { readonly next: number; readonly mostRows: number },
): (readonly number[])[] {
  let end = next
  for (let rows = 0; end < groups.length; end++) {
    for (const row of groups[end] ?? []) rows += weightOf(columns, row)
    if (end > next && rows > mostRows) break
  }
  return groups.slice(next, end)
}
