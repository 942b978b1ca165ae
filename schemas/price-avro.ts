import { NEXT, readLong } from './avro/long.ts'
import { AVRO_HEADER_BYTES, checkedFrame, PRICE_RECORD_SCHEMA, PRICE_SCHEMA_ID } from './avro-frame.ts'
import { checkedEventTime } from './event-time.ts'
import { checkedName, checkedSequence, SCHEMA_VERSION } from './price-object.ts'
import { NUMBER_COUNT, NUMBER_FIELDS, type PriceUpdate } from './price-update.ts'
import { aroundOf } from './record-bytes.ts'
import { type Refused, refused } from './refusal.ts'
import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from './topics.ts'
import { noRoom, type PairIds, reserveRow, truncateColumns, type UpdateColumns } from './update-columns.ts'

export function encodePriceAvro(updates: PriceUpdate | readonly PriceUpdate[], schemaId = PRICE_SCHEMA_ID): Buffer {
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
 * Decodes Avro bytes into columns. Either all rows of the record are appended or none; as in JSON, updates of pairs for
 * which there is no room are left out. The value is the union of
 * price-record.avsc, an update or a frame, and must end where the record ends. The decoder is written for this one
 * schema, because the objects of the schema library cost more than JSON's (bench/cases/pipeline.ts prints both).
 */
export function decodePriceAvro(bytes: Buffer, columns: UpdateColumns, ids: PairIds): Refused | undefined {
  const foreign = checkedFrame(bytes)
  if (foreign !== undefined) return foreign
  const { count: rows, leftOut } = columns
  const against = new AvroScan(bytes, columns, ids).record()
  if (against !== undefined) {
    truncateColumns(columns, rows)
    columns.leftOut = leftOut
  }
  return against
}

const TRUNCATED = refused('not-avro', 'the record ends within a value')
const ODD = refused('not-avro', 'expected null or a value')

class AvroScan {
  readonly #bytes: Buffer
  /** A view of the buffer that the record lies in; its first byte is at `#start` there. */
  readonly #view: DataView
  readonly #start: number
  readonly #columns: UpdateColumns
  readonly #ids: PairIds
  #at = AVRO_HEADER_BYTES
  #chainId = -1
  /** Why the first update without an id has none. */
  #noRoom: Refused | undefined
  /** The place of the first update's chain. */
  #chainStart = 0
  #chainEnd = 0

  constructor(bytes: Buffer, columns: UpdateColumns, ids: PairIds) {
    this.#bytes = bytes
    this.#view = aroundOf(bytes).view
    this.#start = bytes.byteOffset
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
    if (this.#at > this.#bytes.length) return TRUNCATED
    if (this.#at < this.#bytes.length)
      return refused('not-avro', `${this.#bytes.length - this.#at} bytes are left over`)
    if (this.#columns.count > rows) return undefined
    return this.#noRoom ?? refused('empty', 'expected at least one update, got an empty frame')
  }

  #frame(): Refused | undefined {
    const against = this.#version()
    if (against !== undefined) return against
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
    const otherVersion = this.#version()
    if (otherVersion !== undefined) return otherVersion
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
    if (this.#at > this.#bytes.length) return TRUNCATED
    const against =
      checkedEventTime(eventTimeMs) ??
      (Number.isNaN(sequence) ? undefined : checkedSequence(sequence)) ??
      this.#checkedName(pairStart, pairEnd, 'pair') ??
      this.#sameChain(chainStart, chainEnd)
    if (against !== undefined) return against
    const pairId = this.#ids.registerBytes(this.#chainId, this.#view, this.#start + pairStart, this.#start + pairEnd)
    if (pairId < 0) {
      this.#noRoom ??= noRoom(pairId, this.#text(pairStart, pairEnd))
      columns.leftOut++
      return undefined
    }
    columns.pairIds[row] = pairId
    columns.eventTimesMs[row] = eventTimeMs
    columns.sequences[row] = sequence
    if (groupStart > 0) columns.groups[row] = this.#text(groupStart, groupEnd)
    columns.count = row + 1
    return undefined
  }

  #version(): Refused | undefined {
    const version = this.#long()
    if (version === SCHEMA_VERSION) return undefined
    return Number.isNaN(version)
      ? TRUNCATED
      : refused('unknown-version', `expected v ${SCHEMA_VERSION}, got ${version}`)
  }

  #numbers(numbers: Float64Array, base: number): Refused | undefined {
    const bytes = this.#bytes
    const start = this.#start
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
      const value = this.#view.getFloat64(start + at, true)
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

  /** A record holds one chain. The first update's chain is looked up; those after it must be the same bytes. */
  #sameChain(start: number, end: number): Refused | undefined {
    const bytes = this.#bytes
    const first = this.#chainStart
    if (first === 0) {
      const against = this.#checkedName(start, end, 'chain')
      if (against !== undefined) return against
      this.#chainId = this.#ids.chainIdOfBytes(this.#view, this.#start + start, this.#start + end)
      this.#chainStart = start
      this.#chainEnd = end
      return undefined
    }
    let isSame = end - start === this.#chainEnd - first
    for (let i = start; isSame && i < end; i++) isSame = bytes[i] === bytes[first + i - start]
    return isSame
      ? undefined
      : refused('several-chains', `a record holds one chain, got ${this.#text(start, end)} after another`)
  }

  /** A name of plain ASCII is checked in place, any other as text, which is longer if it is not UTF-8. */
  #checkedName(start: number, end: number, field: 'pair' | 'chain'): Refused | undefined {
    const bytes = this.#bytes
    let isPlain = end - start <= (field === 'pair' ? MAX_PAIR_BYTES : MAX_CHAIN_BYTES)
    for (let i = start; isPlain && i < end; i++) isPlain = bytes[i] !== 0 && (bytes[i] as number) < 0x80
    return isPlain ? undefined : checkedName(this.#text(start, end), field)
  }

  #text(start: number, end: number): string {
    return this.#bytes.toString('utf8', start, end)
  }

  /** Reads the branch of a union with null. Any other branch moves past the end, which the caller's check refuses. */
  #optional(): boolean {
    const branch = this.#at < this.#bytes.length ? this.#bytes[this.#at++] : -1
    if (branch !== 0 && branch !== 2) this.#at = this.#bytes.length + 1
    return branch === 2
  }

  /** Moves past a length and its bytes. Returns where the bytes start, or -1 and moves past the end. */
  #skipBytes(): number {
    const length = this.#long()
    const start = this.#at
    const fits = length >= 0 && start + length <= this.#bytes.length
    this.#at = fits ? start + length : this.#bytes.length + 1
    return fits ? start : -1
  }

  #long(): number {
    const value = readLong(this.#bytes, this.#at)
    this.#at = NEXT[0] as number
    return value
  }
}
