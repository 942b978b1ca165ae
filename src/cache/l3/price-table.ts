import { NUMBER_FIELDS } from '../../../schemas/price-update.ts'
import { type CachedPrice, emptyPrice, MAX_VERSION, type PriceColumns, setNumber } from '../cached-price.ts'
import type { PairName } from '../names/pair-table.ts'

/**
 * The history of prices as ClickHouse holds it: a row an update, the newest of a pair is the one of the highest version.
 *
 *   chain │ pair │ version │ event_time_ms │ price │ bid? │ ask? │ reserve0? │ reserve1? │ liquidity?
 */
export const PRICE_TABLE = 'forewarm_prices'

const COLUMNS = ['chain', 'pair', 'version', 'event_time_ms', ...NUMBER_FIELDS] as const

/**
 * A version that is written twice (Kafka delivers at least once, and what was read from here goes to L2 and back) is
 * held once. There are no partitions: a node that catches up inserts events of any number of days, and ClickHouse
 * refuses an insert of more than a hundred partitions, every time. Servers before 19 know no TTL: there the table is
 * without one, and reads look no further back all the same.
 */
export function createTable(ttlSeconds: number, options: { readonly withTtl: boolean }): string {
  const numbers = NUMBER_FIELDS.map((field) => (field === 'price' ? 'price Float64' : `${field} Nullable(Float64)`))
  const ttl = options.withTtl
    ? ` TTL toDateTime(intDiv(event_time_ms, 1000)) + INTERVAL ${Math.floor(ttlSeconds)} SECOND`
    : ''
  return (
    `CREATE TABLE IF NOT EXISTS ${PRICE_TABLE} (chain String, pair String, version UInt64, event_time_ms UInt64, ` +
    `${numbers.join(', ')}) ENGINE = ReplacingMergeTree ORDER BY (chain, pair, version)${ttl}`
  )
}

/** The newest row of each of the pairs since `sinceMs`. */
export function selectNewest(pairs: readonly PairName[], sinceMs: number): string {
  const names = pairs.map(({ chain, pair }) => `(${literal(chain)}, ${literal(pair)})`)
  return (
    `SELECT ${COLUMNS.join(', ')} FROM ${PRICE_TABLE} ` +
    `WHERE (chain, pair) IN (${names.join(', ')}) AND event_time_ms >= ${Math.max(0, Math.floor(sinceMs))} ` +
    'ORDER BY version DESC LIMIT 1 BY chain, pair'
  )
}

/**
 * A string literal. Bound parameters would do the same, but servers before 19 have none; within quotes only the
 * backslash and the quote mean anything, and a NUL ends nothing.
 */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`
}

/** A row of `selectNewest`; undefined where it is none. 64-bit numbers come as text from some servers. */
export function readRow(row: readonly unknown[]): (PairName & { readonly price: CachedPrice }) | undefined {
  const [chain, pair, versionText, eventTimeText, ...numbers] = row
  const version = Number(versionText)
  const eventTimeMs = Number(eventTimeText)
  if (typeof chain !== 'string' || typeof pair !== 'string') return undefined
  if (!(version > 0 && version <= MAX_VERSION) || !Number.isSafeInteger(eventTimeMs)) return undefined
  if (typeof numbers[0] !== 'number') return undefined
  const price = { ...emptyPrice(), version, eventTimeMs }
  for (const [field, value] of numbers.entries()) if (typeof value === 'number') setNumber(price, field, value)
  return { chain, pair, price }
}

/** A row to insert. */
export function writeRow({ chain, pair }: PairName, columns: PriceColumns, row: number): object {
  const base = row * NUMBER_FIELDS.length
  const numbers = NUMBER_FIELDS.map((field, at) => {
    const value = columns.numbers[base + at] as number
    return [field, Number.isNaN(value) ? null : value]
  })
  return {
    chain,
    pair,
    version: columns.versions[row],
    event_time_ms: columns.eventTimesMs[row],
    ...Object.fromEntries(numbers),
  }
}
