import { NUMBER_FIELDS } from '../../../schemas/price-update.ts'
import { type CachedPrice, emptyPrice, MAX_VERSION, type PriceColumns, setNumber } from '../cached-price.ts'
import type { PairName } from '../names/id-holders.ts'

/**
 * The history of prices as ClickHouse holds it. Each update has a row; the newest of a pair has the highest version.
 *
 *   chain │ pair │ version │ event_time_ms │ price │ bid? │ ask? │ reserve0? │ reserve1? │ liquidity?
 */
export const PRICE_TABLE = 'forewarm_prices'

const COLUMNS = ['chain', 'pair', 'version', 'event_time_ms', ...NUMBER_FIELDS] as const

/**
 * A version that is written twice is held once: Kafka delivers at least once, and a price that is read from here goes to
 * L2 and back. There are no partitions, because a node that catches up inserts events of any number of days, and
 * ClickHouse refuses an insert into more than a hundred partitions. Servers before version 19 know no TTL, so that the
 * table has none there; reads do not look further back all the same.
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

/** Selects the newest row since `sinceMs` of each pair. */
export function selectNewest(pairs: readonly PairName[], sinceMs: number): string {
  const names = pairs.map(({ chain, pair }) => `(${literal(chain)}, ${literal(pair)})`)
  return (
    `SELECT ${COLUMNS.join(', ')} FROM ${PRICE_TABLE} ` +
    `WHERE (chain, pair) IN (${names.join(', ')}) AND event_time_ms >= ${Math.max(0, Math.floor(sinceMs))} ` +
    'ORDER BY version DESC LIMIT 1 BY chain, pair'
  )
}

/**
 * A string literal. Bound parameters would do the same, but servers before version 19 have none. Inside quotes only the
 * backslash and the quote have a meaning, and a NUL does not end the string.
 */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`
}

/** Reads a row of `selectNewest`; undefined if it is not one. Some servers give 64-bit numbers as text. */
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

/** Makes a row to insert. */
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
