import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { format } from '../../../index.ts'
import type { ForewarmNode } from '../../../node/node.ts'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { detector } from '../../../src/detect/detector.ts'
import { encoder, field } from '../../formats/protobuf/stage.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { type RegistryServer, startRegistry } from '../../harness/registry/apicurio.ts'
import { until } from '../../harness/until.ts'
import { onKafka } from '../../node/kafka-stage.ts'
import { metricValue } from '../../node/scrape.ts'
import { header, type Stage } from '../../node/stage.ts'

let registry: RegistryServer

beforeAll(async () => {
  registry = await startRegistry()
}, 240_000)

afterAll(async () => {
  await registry?.stop()
})

const MAPPING = {
  ...{ type: 'protobuf', schema: 'registry', chain: { const: 'feed' }, pair: 'symbol', price: 'price' },
  ...{ bid: 'side.bid.value', eventTimeMs: 'at' },
}
const TIME = 'import "google/protobuf/timestamp.proto";'
const SIDE = 'message Side { Unit bid = 1; } message Unit { double value = 1; }'
const AT = { seconds: Math.floor(Date.now() / 1000), nanos: 0 }

interface Reading {
  readonly handled: readonly PriceUpdate[]
  readonly node: ForewarmNode
}

async function reading(stage: Stage): Promise<Reading> {
  const handled: PriceUpdate[] = []
  const node = await stage.startNode({
    start: 'earliest',
    detectors: [detector('all', {}, (update) => void handled.push(update))],
    formats: [format(stage.topic, MAPPING)],
    config: { schemaRegistry: { url: registry.url } },
  })
  return { handled, node }
}

function framed(id: number, indexes: readonly number[], value: Buffer): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeInt32BE(id, 1)
  return Buffer.concat([prefix, Buffer.from(indexes), value])
}

describe('a node on Kafka and a schema registry', () => {
  test('reads Protobuf with what its schema imports from other subjects, and a new schema while it runs', async () => {
    await onKafka({}, async (stage) => {
      const [unit, side] = [uniqueName('unit'), uniqueName('side')]
      const proto = 'syntax = "proto3"; package shared;'
      const schemaType = 'PROTOBUF'
      await registry.register(unit, { schemaType, schema: `${proto} message Unit { double value = 1; }` })
      const toUnit = { name: 'unit.proto', subject: unit, version: 1 }
      const sideSchema = `${proto} import "unit.proto"; message Side { Unit bid = 1; }`
      await registry.register(side, { schemaType, schema: sideSchema, references: [toUnit] })
      const references = [{ name: 'side.proto', subject: side, version: 1 }]
      const head = `syntax = "proto3"; package feed; ${TIME} import "side.proto";`
      const quote = (rest: string) =>
        `message Quote { string symbol = 1; double price = 2; shared.Side side = 3; google.protobuf.Timestamp at = 4; ${rest} }`
      const other = `message Other { string text = 1; }`
      const before = await registry.register(`${stage.topic}-value`, {
        ...{ schemaType, schema: `${head} ${quote('')} ${other}`, references },
      })
      const { handled } = await reading(stage)
      const local = `syntax = "proto3"; ${TIME} ${SIDE} ${quote('string venue = 9;').replace('shared.', '')}`
      const encode = encoder(local, 'Quote')
      const value = (symbol: string) => encode({ symbol, price: 2, side: { bid: { value: 1.5 } }, at: AT, venue: 'v' })
      const send = (...values: readonly Buffer[]) =>
        stage.produceRecords(...values.map((each) => ({ partition: 0, value: each })))
      await send(framed(before, [0], value('A')))
      await until('the first is handled', () => handled.length === 1)
      expect(handled[0]).toMatchObject({ pair: 'A', chain: 'feed', price: 2, bid: 1.5, eventTimeMs: AT.seconds * 1000 })
      const after = await registry.register(`${stage.topic}-value`, {
        ...{ schemaType, schema: `${head} ${quote('string venue = 9;')} ${other}`, references },
      })
      expect(after).not.toBe(before)
      await send(framed(after, [2, 0], value('B')), framed(before, [0], value('C')))
      await until('both are handled', () => handled.length === 3)
      expect(handled.map(({ pair }) => pair)).toEqual(['A', 'B', 'C'])
    })
  })

  test('refuses Protobuf of another message, of another type, and of no schema, and reads the next', async () => {
    await onKafka({}, async (stage) => {
      const schema = `syntax = "proto3"; package feed; ${TIME} message Envelope {
        message Quote { string symbol = 1; double price = 2; google.protobuf.Timestamp at = 4; } string note = 1; }`
      const id = await registry.register(`${stage.topic}-value`, { schemaType: 'PROTOBUF', schema })
      const avro = await registry.register(`${stage.topic}-key`, { schema: { type: 'record', name: 'R', fields: [] } })
      const encode = encoder(schema, 'feed.Envelope.Quote')
      const good = encode({ symbol: 'A', price: 2, at: AT })
      const values = [
        framed(id, [0], good),
        framed(id, [4, 0, 2], good),
        framed(avro, [0], good),
        framed(999_999, [0], good),
        framed(id, [4, 0, 0], Buffer.concat([good, field(2, 0, 1)])),
        framed(id, [4, 0, 0], good.subarray(0, -1)),
        framed(id, [4, 0, 0], good),
      ]
      await stage.produceRecords(...values.map((value) => ({ partition: 0, value })))
      const { handled, node } = await reading(stage)
      await until('the good one is handled', () => handled.length === 1)
      const letters = await stage.deadLetters(6)
      expect(letters.map((letter) => header(letter, 'forewarm-error-code'))).toEqual([
        ...['missing-pair', 'unknown-schema', 'unknown-schema', 'unknown-schema', 'wrong-type', 'not-protobuf'],
      ])
      expect(letters.map(({ value }) => value)).toEqual(values.slice(0, 6))
      const counted = (reason: string) => metricValue(node, 'arbitrage_dead_letters_total', { reason })
      expect(await Promise.all(['unknown-schema', 'wrong-type', 'not-protobuf'].map(counted))).toEqual([3, 1, 1])
    })
  })
})
