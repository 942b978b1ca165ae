import { detector } from '../../index.ts'
import { AVRO_HEADER_BYTES, PRICE_RECORD_SCHEMA } from '../../schemas/avro-frame.ts'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { encodePriceJson } from '../../schemas/price-json.ts'
import { decodePrices } from '../../schemas/price-record.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { truncateColumns, updateColumns } from '../../schemas/update-columns.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { mulberry32 } from '../../src/simulate/mulberry32.ts'
import { javaFetchRate } from '../anchors/java-fetch-rate.ts'
import { catchUpPlatformatic } from '../anchors/platformatic-kafka.ts'
import type { Bench, Figure } from '../harness/bench.ts'
import { contest } from '../harness/contest.ts'
import { median } from '../harness/quantile.ts'
import { catchUp, metricOf } from '../stages/bench-node.ts'
import { catchUpRaw } from '../stages/raw-kafka.ts'
import type { Stage } from '../stages/stage.ts'
import { type Feed, fillTopic, nextInChain, PAIRS, PARTITIONS, updateAt } from '../traffic/price-feed.ts'

/**
 * How many updates a second go through a whole node that catches up with a backlog (decode, L1, write-behind to Redis,
 * tracker, loop), against a KafkaJS consumer that does no more than JSON.parse. The anchor of all cases reads one
 * update a record.
 */
export const pipeline: Bench = { name: 'pipeline', cases }

const ANCHOR = 'raw KafkaJS eachBatch, JSON.parse'
const FRAME = 100
/** Updates that the decoders get over and over. */
const DECODED_UPDATES = 1_000

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const single = await feed(stage, { updates: stage.amount(1_000_000, 60_000), updatesPerRecord: 1, encoding: 'json' })
  const framed = { updates: stage.amount(3_000_000, 120_000), updatesPerRecord: FRAME }
  const json = await feed(stage, { ...framed, encoding: 'json' })
  const avro = await feed(stage, { ...framed, encoding: 'avro' })
  const written: number[] = []
  const readSingle = () => readAsNode(stage, single, written)
  yield* await contest(stage, {
    unit: 'updates/s',
    better: 'higher',
    rounds: stage.amount(stage.runs, 2),
    anchor: ANCHOR,
    measureAnchor: async () => (single.updates * 1000) / (await catchUpRaw(stage, single)),
    ours: {
      'one update a record, JSON': readSingle,
      '100 updates a record, JSON': () => readAsNode(stage, json),
      '100 updates a record, Avro': () => readAsNode(stage, avro),
    },
    others: {
      'one update a record, JSON, against @platformatic/kafka': {
        anchor: '@platformatic/kafka, JSON.parse',
        measureAnchor: async () => (single.updates * 1000) / (await catchUpPlatformatic(stage, single)),
        ours: readSingle,
      },
      'one update a record, JSON, against Java’s fetch rate': {
        anchor: 'kafka-consumer-perf-test, parses nothing',
        measureAnchor: () => javaFetchRate(stage, single),
        ours: readSingle,
      },
    },
  })
  const value = median(written)
  yield { kind: 'value', case: 'one update a record, JSON: written to Redis', unit: 'entries/s', value }
  yield* await unforetold(stage)
  yield* decoding(stage, 1)
  yield* decoding(stage, FRAME)
}

async function feed(stage: Stage, content: Omit<Feed, 'topic'>): Promise<Feed> {
  return fillTopic(stage, { ...content, topic: await stage.topic(PARTITIONS) })
}

async function readAsNode(stage: Stage, feed: Feed, written: number[] = []): Promise<number> {
  const { emptyRedis } = await stage.backends()
  await emptyRedis()
  const ms = await catchUp(stage, feed, async (node, tookMs) => {
    written.push(((await metricOf(node, 'arbitrage_l2_write_entries_total')) * 1000) / tookMs)
  })
  return (feed.updates * 1000) / ms
}

/** A detector that reads at random, so looking ahead is in vain: it must cost nothing. L1 holds one pair in twenty. */
async function unforetold(stage: Stage): Promise<readonly Figure[]> {
  const single = await feed(stage, { updates: stage.amount(300_000, 30_000), updatesPerRecord: 1, encoding: 'json' })
  const random = mulberry32(1)
  const reader = detector('random', {}, async (_, prices) => {
    const { chain, pair } = updateAt(Math.floor(random() * PAIRS), 0)
    const other = updateAt(nextInChain(Math.floor(random() * PAIRS)), 0)
    await Promise.all([prices.getMany(chain, [pair]), prices.getMany(other.chain, [other.pair])])
  })
  const readWith = (lookAhead: 'auto' | 'off') => async () => {
    const { emptyRedis } = await stage.backends()
    await emptyRedis()
    const ms = await catchUp(stage, { ...single, lookAhead, detectors: [reader], l1Slots: PAIRS / 20 })
    return (single.updates * 1000) / ms
  }
  return await contest(stage, {
    unit: 'updates/s',
    better: 'higher',
    rounds: stage.amount(stage.runs, 2),
    anchor: 'LOOK_AHEAD=off',
    measureAnchor: readWith('off'),
    ours: { 'reads that nobody can foretell, LOOK_AHEAD=auto': readWith('auto') },
  })
}

/** The decoders by themselves, over records in memory: no broker. */
async function* decoding(stage: Stage, updatesPerRecord: number): AsyncIterable<Figure> {
  const records = Array.from({ length: DECODED_UPDATES / updatesPerRecord }, (_, record) => {
    let index = record
    return Array.from({ length: updatesPerRecord }, () => {
      const update = updateAt(index, Date.now())
      index = nextInChain(index)
      return update
    })
  })
  const encoded = (encode: (updates: PriceUpdate | readonly PriceUpdate[]) => string | Buffer): Buffer[] =>
    records.map((updates) => Buffer.from(encode(updates.length === 1 ? (updates[0] ?? []) : updates)))
  const json = encoded(encodePriceJson)
  const avro = encoded((updates) => encodePriceAvro(updates))
  const table = new PairTable({ maxPairs: PAIRS })
  const columns = updateColumns(updatesPerRecord)
  const decode = (value: Buffer): void => {
    truncateColumns(columns, 0)
    const against = decodePrices(value, columns, table)
    if (against !== undefined) throw new Error(against.detail)
  }
  const updates = stage.amount(1_000_000, 100_000)
  const rate = (values: readonly Buffer[], read: (value: Buffer) => unknown) => (): number => {
    const startMs = performance.now()
    for (let round = 0; round < updates / DECODED_UPDATES; round++) for (const value of values) read(value)
    return (updates * 1000) / (performance.now() - startMs)
  }
  const of = `decoding alone, ${updatesPerRecord === 1 ? 'one update' : `${updatesPerRecord} updates`} a record`
  yield* await contest(stage, {
    unit: 'updates/s',
    better: 'higher',
    anchor: 'JSON.parse',
    measureAnchor: rate(json, (value) => JSON.parse(value.toString())),
    ours: { [`${of}, JSON`]: rate(json, decode) },
  })
  yield* await contest(stage, {
    unit: 'updates/s',
    better: 'higher',
    anchor: 'avsc',
    measureAnchor: rate(avro, (value) => PRICE_RECORD_SCHEMA.fromBuffer(value.subarray(AVRO_HEADER_BYTES))),
    ours: { [`${of}, Avro`]: rate(avro, decode) },
  })
}
