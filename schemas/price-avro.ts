import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { checkedEventTime, checkedName, SCHEMA_VERSION } from './price-object.ts'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from './price-update.ts'
import { type Refused, refused } from './refusal.ts'
import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from './topics.ts'
import { type PairIds, reserveRow, type UpdateColumns } from './update-columns.ts'

/**
 * Price records in Avro, in the Confluent wire format: a zero byte, the schema's id (4 bytes, big-endian), the value.
 * The value is the union of price-record.avsc: an update or a frame. Whatever the id, the value is read by that schema
 * and must end where the record ends, so that bytes written by another schema are refused and not misread.
 */
export const AVRO_MAGIC = 0
export const AVRO_HEADER_BYTES = 5
/** Written where nobody gave the id under which a registry knows the schema. */
export const DEFAULT_SCHEMA_ID = 1

export const PRICE_RECORD_SCHEMA = avro.Type.forSchema(
  JSON.parse(readFileSync(new URL('./price-record.avsc', import.meta.url), 'utf8')),
  { wrapUnions: true },
)

export function encodePriceAvro(updates: PriceUpdate | readonly PriceUpdate[], schemaId = DEFAULT_SCHEMA_ID): Buffer {
  const value = Array.isArray(updates)
    ? { 'forewarm.PriceFrame': { v: SCHEMA_VERSION, updates: updates.map(avroUpdate) } }
    : { 'forewarm.PriceUpdate': avroUpdate(updates as PriceUpdate) }
  const header = Buffer.alloc(AVRO_HEADER_BYTES)
  header.writeInt32BE(schemaId, 1)
  return Buffer.concat([header, PRICE_RECORD_SCHEMA.toBuffer(value)])
}

function avroUpdate(update: PriceUpdate): Record<string, unknown> {
  const wrapped = (type: string, value: unknown) => (value === undefined ? null : { [type]: value })
  return {
    v: SCHEMA_VERSION,
    pair: update.pair,
    chain: update.chain,
    price: update.price,
    bid: wrapped('double', update.bid),
    ask: wrapped('double', update.ask),
    reserve0: wrapped('double', update.reserve0),
    reserve1: wrapped('double', update.reserve1),
    liquidity: wrapped('double', update.liquidity),
    group: wrapped('string', update.group),
    eventTimeMs: update.eventTimeMs,
    sequence: wrapped('long', update.sequence),
  }
}

/**
 * Avro bytes -> columns. Written out for this one schema because the schema library's objects cost more than JSON's
 * (bench/pipeline.ts prints both).
 */
export function decodePriceAvro(bytes: Buffer, columns: UpdateColumns, ids: PairIds): Refused | undefined {
  if (bytes.length <= AVRO_HEADER_BYTES)
    return refused('not-avro', `expected more than the header, got ${bytes.length} bytes`)
  return new AvroScan(bytes, columns, ids).record()
}

const TRUNCATED = refused('not-avro', 'the record ends within a value')

class AvroScan {
  readonly #bytes: Buffer
  readonly #columns: UpdateColumns
  readonly #ids: PairIds
  #at = AVRO_HEADER_BYTES
  #chainId = -1

  constructor(bytes: Buffer, columns: UpdateColumns, ids: PairIds) {
    this.#bytes = bytes
    this.#columns = columns
    this.#ids = ids
  }

  record(): Refused | undefined {
    const branch = this.#long()
    const against =
      branch === 0
        ? this.#update()
        : branch === 1
          ? this.#frame()
          : refused('not-avro', `expected branch 0 or 1, got ${branch}`)
    if (against !== undefined) return against
    if (this.#at !== this.#bytes.length)
      return refused('not-avro', `${this.#bytes.length - this.#at} bytes are left over`)
    return this.#columns.count > 0 ? undefined : refused('empty', 'expected at least one update, got an empty frame')
  }

  #frame(): Refused | undefined {
    const version = this.#long()
    if (version !== SCHEMA_VERSION) return refused('unknown-version', `expected v ${SCHEMA_VERSION}, got ${version}`)
    for (;;) {
      let items = this.#long()
      if (items === 0) return undefined
      if (!(Math.abs(items) <= this.#bytes.length)) return TRUNCATED
      if (items < 0) {
        items = -items
        this.#long()
      }
      for (let i = 0; i < items; i++) {
        const against = this.#update()
        if (against !== undefined) return against
      }
    }
  }

  #update(): Refused | undefined {
    const bytes = this.#bytes
    const columns = this.#columns
    const version = this.#long()
    if (version !== SCHEMA_VERSION) return refused('unknown-version', `expected v ${SCHEMA_VERSION}, got ${version}`)
    const pairStart = this.#skipBytes()
    const pairEnd = this.#at
    const chainStart = this.#skipBytes()
    const chainEnd = this.#at
    if (pairStart < 0 || chainStart < 0) return TRUNCATED
    if (pairStart === pairEnd) return refused('missing-pair', 'pair is empty')
    if (chainStart === chainEnd) return refused('missing-chain', 'chain is empty')
    reserveRow(columns)
    const row = columns.count
    const base = row * NUMBER_COUNT
    for (let f = 0; f < NUMBER_COUNT; f++) {
      const there = f === 0 ? 1 : this.#long()
      if (there !== 0 && there !== 1) return TRUNCATED
      if (there === 1 && this.#at + 8 > bytes.length) return TRUNCATED
      const value = there === 1 ? bytes.readDoubleLE(this.#at) : Number.NaN
      if (there === 1) {
        this.#at += 8
        if (!Number.isFinite(value)) return refused('not-finite', `${NUMBER_FIELDS[f]} is ${value}`)
        if (value < 0) return refused('negative', `${NUMBER_FIELDS[f]}: at least 0, got ${value}`)
      }
      columns.numbers[base + f] = value
    }
    let group: string | undefined
    const hasGroup = this.#long()
    if (hasGroup === 1) {
      const start = this.#skipBytes()
      if (start < 0) return TRUNCATED
      group = bytes.toString('utf8', start, this.#at)
    } else if (hasGroup !== 0) return TRUNCATED
    const eventTimeMs = this.#long()
    const sequence = this.#long() === 1 ? this.#long() : Number.NaN
    if (this.#at > bytes.length || Number.isNaN(eventTimeMs)) return TRUNCATED
    const against = checkedEventTime(eventTimeMs)
    if (against !== undefined) return against
    const chainId = this.#ids.chainIdOfBytes(bytes, chainStart, chainEnd)
    if (this.#chainId !== chainId) {
      if (this.#chainId >= 0)
        return refused(
          'several-chains',
          `a record holds one chain, got ${bytes.toString('utf8', chainStart, chainEnd)} after another`,
        )
      this.#chainId = chainId
      if (chainEnd - chainStart > MAX_CHAIN_BYTES || bytes.subarray(chainStart, chainEnd).includes(0))
        return checkedName(bytes.toString('utf8', chainStart, chainEnd), 'chain') ?? TRUNCATED
    }
    const pairId = this.#pairId(chainId, pairStart, pairEnd)
    if (typeof pairId !== 'number') return pairId
    columns.pairIds[row] = pairId
    columns.eventTimesMs[row] = eventTimeMs
    columns.sequences[row] = sequence
    if (group !== undefined) columns.groups[row] = group
    columns.count = row + 1
    return undefined
  }

  #pairId(chainId: number, start: number, end: number): number | Refused {
    const bytes = this.#bytes
    if (end - start > MAX_PAIR_BYTES)
      return refused('name-too-long', `pair: at most ${MAX_PAIR_BYTES} bytes, got ${end - start}`)
    for (let i = start; i < end; i++) if (bytes[i] === 0) return refused('bad-name', 'pair: must not contain NUL')
    const pairId = this.#ids.registerBytes(chainId, bytes, start, end)
    return pairId < 0
      ? refused('too-many-pairs', `no room for ${bytes.toString('utf8', start, end)}: all MAX_PAIRS are taken`)
      : pairId
  }

  /** Moves past a length and its bytes; the bytes' start, or -1. */
  #skipBytes(): number {
    const length = this.#long()
    const start = this.#at
    if (!(length >= 0 && start + length <= this.#bytes.length)) return -1
    this.#at = start + length
    return start
  }

  /** A zigzag varint, exact to 2⁵³; NaN where the record ends within it. */
  #long(): number {
    const bytes = this.#bytes
    let low = 0
    let scale = 1
    for (let i = 0; i < 9; i++) {
      if (this.#at >= bytes.length) return Number.NaN
      const byte = bytes[this.#at++] as number
      low += (byte & 0x7f) * scale
      if (byte < 0x80) return low % 2 === 0 ? low / 2 : -(low + 1) / 2
      scale *= 128
    }
    return Number.NaN
  }
}
