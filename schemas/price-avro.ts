import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { checkedEventTime, checkedName, SCHEMA_VERSION } from './price-object.ts'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from './price-update.ts'
import { type Refused, refused } from './refusal.ts'
import { MAX_PAIR_BYTES } from './topics.ts'
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
 * Avro bytes -> columns, rows appended, all of a record's or none. Written out for this one schema because the schema library's objects cost more than JSON's
 * (bench/pipeline.ts prints both).
 */
export function decodePriceAvro(bytes: Buffer, columns: UpdateColumns, ids: PairIds): Refused | undefined {
  if (bytes.length <= AVRO_HEADER_BYTES)
    return refused('not-avro', `expected more than the header, got ${bytes.length} bytes`)
  const rows = columns.count
  const against = new AvroScan(bytes, columns, ids).record()
  if (against !== undefined) columns.count = rows
  return against
}

const TRUNCATED = refused('not-avro', 'the record ends within a value')
const ODD = refused('not-avro', 'expected null or a value')

/** Where the varint read last ended. Kept outside the reader: a field of an object costs more than what it holds. */
const NEXT = new Int32Array(1)

class AvroScan {
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #columns: UpdateColumns
  readonly #ids: PairIds
  #at = AVRO_HEADER_BYTES
  #chainId = -1

  constructor(bytes: Buffer, columns: UpdateColumns, ids: PairIds) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#columns = columns
    this.#ids = ids
  }

  record(): Refused | undefined {
    const rows = this.#columns.count
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
    return this.#columns.count > rows ? undefined : refused('empty', 'expected at least one update, got an empty frame')
  }

  #frame(): Refused | undefined {
    const version = this.#long()
    if (version !== SCHEMA_VERSION) return refused('unknown-version', `expected v ${SCHEMA_VERSION}, got ${version}`)
    for (;;) {
      let items = this.#long()
      if (items === 0) return undefined
      if (!(Math.abs(items) <= this.#bytes.length)) return TRUNCATED
      if (items < 0) {
        // A negative count is followed by the block's size in bytes.
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
    const version = this.#long()
    if (version !== SCHEMA_VERSION) return refused('unknown-version', `expected v ${SCHEMA_VERSION}, got ${version}`)
    const pairStart = this.#skipBytes()
    const pairEnd = this.#at
    const chainStart = this.#skipBytes()
    const chainEnd = this.#at
    if (pairStart < 0 || chainStart < 0) return TRUNCATED
    if (pairStart === pairEnd) return refused('missing-pair', 'pair is empty')
    if (chainStart === chainEnd) return refused('missing-chain', 'chain is empty')
    const columns = this.#columns
    reserveRow(columns)
    const row = columns.count
    const badNumber = this.#numbers(columns.numbers, row * NUMBER_COUNT)
    if (badNumber !== undefined) return badNumber
    const groupStart = this.#optional() ? this.#skipBytes() : 0
    const groupEnd = this.#at
    const eventTimeMs = this.#long()
    const sequence = this.#optional() ? this.#long() : Number.NaN
    if (groupStart < 0 || Number.isNaN(eventTimeMs) || this.#at > this.#bytes.length) return TRUNCATED
    const against = checkedEventTime(eventTimeMs) ?? this.#sameChain(chainStart, chainEnd)
    if (against !== undefined) return against
    const pairId = this.#pairId(pairStart, pairEnd)
    if (typeof pairId !== 'number') return pairId
    columns.pairIds[row] = pairId
    columns.eventTimesMs[row] = eventTimeMs
    columns.sequences[row] = sequence
    if (groupStart > 0) columns.groups[row] = this.#bytes.toString('utf8', groupStart, groupEnd)
    columns.count = row + 1
    return undefined
  }

  #numbers(numbers: Float64Array, base: number): Refused | undefined {
    const bytes = this.#bytes
    let at = this.#at
    for (let f = 0; f < NUMBER_COUNT; f++) {
      if (f > 0) {
        const branch = at < bytes.length ? (bytes[at++] as number) : -1
        if (branch === 0) {
          numbers[base + f] = Number.NaN
          continue
        }
        if (branch !== 2) return ODD
      }
      if (at + 8 > bytes.length) return TRUNCATED
      const value = this.#view.getFloat64(at, true)
      at += 8
      if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
        return value < 0 && value > Number.NEGATIVE_INFINITY
          ? refused('negative', `${NUMBER_FIELDS[f]}: at least 0, got ${value}`)
          : refused('not-finite', `${NUMBER_FIELDS[f]} is ${value}`)
      numbers[base + f] = value
    }
    this.#at = at
    return undefined
  }

  #sameChain(start: number, end: number): Refused | undefined {
    const bytes = this.#bytes
    const chainId = this.#ids.chainIdOfBytes(bytes, start, end)
    if (this.#chainId === chainId) return undefined
    if (this.#chainId >= 0)
      return refused(
        'several-chains',
        `a record holds one chain, got ${bytes.toString('utf8', start, end)} after another`,
      )
    this.#chainId = chainId
    return checkedName(bytes.toString('utf8', start, end), 'chain')
  }

  #pairId(start: number, end: number): number | Refused {
    const bytes = this.#bytes
    if (end - start > MAX_PAIR_BYTES)
      return refused('name-too-long', `pair: at most ${MAX_PAIR_BYTES} bytes, got ${end - start}`)
    for (let i = start; i < end; i++) if (bytes[i] === 0) return refused('bad-name', 'pair: must not contain NUL')
    const pairId = this.#ids.registerBytes(this.#chainId, bytes, start, end)
    return pairId < 0
      ? refused('too-many-pairs', `no room for ${bytes.toString('utf8', start, end)}: all MAX_PAIRS are taken`)
      : pairId
  }

  /** The branch of a union with null. Anything odd moves past the end, which the caller's check refuses. */
  #optional(): boolean {
    const branch = this.#at < this.#bytes.length ? this.#bytes[this.#at++] : -1
    if (branch !== 0 && branch !== 2) this.#at = this.#bytes.length + 1
    return branch === 2
  }

  /** Moves past a length and its bytes; the bytes' start, or -1. */
  #skipBytes(): number {
    const length = this.#long()
    const start = this.#at
    if (!(length >= 0 && start + length <= this.#bytes.length)) return -1
    this.#at = start + length
    return start
  }

  #long(): number {
    const value = readLong(this.#bytes, this.#at)
    this.#at = NEXT[0] as number
    return value
  }
}

/** A zigzag varint, exact to 2⁵³; NaN where the record ends within it. */
function readLong(bytes: Buffer, from: number): number {
  let at = from
  if (at >= bytes.length) return Number.NaN
  let byte = bytes[at++] as number
  let low = byte & 0x7f
  // Four bytes of seven bits fit a small integer; the rest is added as a double.
  for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
    if (at >= bytes.length) return Number.NaN
    byte = bytes[at++] as number
    low |= (byte & 0x7f) << shift
  }
  if (byte < 0x80) {
    NEXT[0] = at
    return (low >>> 1) ^ -(low & 1)
  }
  let high = 0
  for (let scale = 1; byte >= 0x80; scale *= 128) {
    if (at >= bytes.length || scale > 2 ** 35) return Number.NaN
    byte = bytes[at++] as number
    high += (byte & 0x7f) * scale
  }
  NEXT[0] = at
  const value = high * 2 ** 28 + low
  return low & 1 ? -(value + 1) / 2 : value / 2
}
