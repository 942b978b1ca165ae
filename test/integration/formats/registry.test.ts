import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { format } from '../../../index.ts'
import type { ForewarmNode } from '../../../node/node.ts'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { detector } from '../../../src/detect/detector.ts'
import { forewarm } from '../../bin/forewarm-process.ts'
import { decimalBytes, framed } from '../../formats/avro/stage.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { type RegistryServer, startRegistry } from '../../harness/registry/apicurio.ts'
import { until } from '../../harness/until.ts'
import { onKafka } from '../../node/kafka-stage.ts'
import { get, metricValue } from '../../node/scrape.ts'
import { header, type Stage } from '../../node/stage.ts'

const DECIMAL = { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 6 }
const PRICE = { name: 'price', type: DECIMAL }
const AT = { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } }
const SYMBOL = { name: 'symbol', type: 'string' }
const record = (...fields: readonly object[]) => ({ type: 'record', name: 'Quote', namespace: 'feed', fields })
const MAPPING = {
  ...{ type: 'avro', schema: 'registry', chain: { const: 'feed' }, pair: 'symbol', price: 'price', eventTimeMs: 'at' },
}

let registry: RegistryServer

beforeAll(async () => {
  registry = await startRegistry()
}, 240_000)

afterAll(async () => {
  await registry?.stop()
})

interface Reading {
  readonly handled: readonly PriceUpdate[]
  readonly node: ForewarmNode
  send(...values: readonly Buffer[]): Promise<void>
}

async function reading(stage: Stage, mapping: object = MAPPING): Promise<Reading> {
  const handled: PriceUpdate[] = []
  const node = await stage.startNode({
    start: 'earliest',
    detectors: [detector('all', {}, (update) => void handled.push(update))],
    formats: [format(stage.topic, mapping as Record<string, unknown>)],
    // The registry is away for longer than a member may be silent.
    config: { schemaRegistry: { url: registry.url }, kafka: { sessionTimeoutMs: 1_500 } },
  })
  return {
    handled,
    node,
    send: (...values) => stage.produceRecords(...values.map((value) => ({ partition: 0, value }))),
  }
}

function quote(schema: object, id: number, rest: object): Buffer {
  return framed(schema, { symbol: 'ETH-USD', price: decimalBytes(3_120_500_000n), at: Date.now() * 1000, ...rest }, id)
}

describe('a node on Kafka and a schema registry', () => {
  test('reads Avro with the schema of each writer, and a new one while it runs', async () => {
    await onKafka({}, async (stage) => {
      const subject = `${stage.topic}-value`
      const [before, after] = [
        record(SYMBOL, PRICE, AT),
        record(SYMBOL, { name: 'size', type: ['null', 'double'], default: null }, PRICE, AT),
      ]
      const first = await registry.register(subject, { schema: before })
      const { handled, send } = await reading(stage)
      await send(quote(before, first, {}))
      await until('the first is handled', () => handled.length === 1)
      expect(handled[0]).toMatchObject({ pair: 'ETH-USD', chain: 'feed', price: 3120.5 })
      const second = await registry.register(subject, { schema: after })
      expect(second).not.toBe(first)
      await send(quote(after, second, { symbol: 'B', size: 5 }), quote(before, first, { symbol: 'C' }))
      await until('both are handled', () => handled.length === 3)
      expect(handled.map(({ pair }) => pair)).toEqual(['ETH-USD', 'B', 'C'])
    })
  })

  test('reads what a schema takes from another subject', async () => {
    await onKafka({}, async (stage) => {
      const pool = { type: 'record', name: 'Pool', namespace: 'dex', fields: [{ name: 'address', type: 'string' }] }
      const subject = uniqueName('pool')
      await registry.register(subject, { schema: pool })
      const fields = (type: unknown) => record({ name: 'pool', type }, PRICE, AT)
      const references = [{ name: 'dex.Pool', subject, version: 1 }]
      const id = await registry.register(`${stage.topic}-value`, { schema: fields('dex.Pool'), references })
      const { handled, send } = await reading(stage, { ...MAPPING, pair: 'pool.address' })
      await send(quote(fields(pool), id, { pool: { address: '0xabc' } }))
      await until('it is handled', () => handled.length === 1)
      expect(handled[0]).toMatchObject({ pair: '0xabc' })
    })
  })

  test('holds its partition while the registry does not answer, keeps its membership, and loses nothing', async () => {
    await onKafka({}, async (stage) => {
      const schema = record(SYMBOL, PRICE, AT)
      const late = record(SYMBOL, PRICE, AT, { name: 'venue', type: 'string' })
      const subject = `${stage.topic}-value`
      const [known, unseen] = [
        await registry.register(subject, { schema }),
        await registry.register(`${subject}-late`, { schema: late }),
      ]
      const { handled, node, send } = await reading(stage)
      const letters = await stage.watch(`${stage.topic}.dlq`, 'earliest')
      await send(quote(schema, known, { symbol: 'A' }))
      await until('the first is handled', () => handled.length === 1)
      await registry.pause()
      try {
        await send(
          quote(schema, known, { symbol: 'B' }),
          quote(late, unseen, { symbol: 'C', venue: 'x' }),
          quote(schema, known, { symbol: 'D' }),
        )
        await until('the node is degraded, and says why', async () => {
          const { status, body } = await get(node, '/readyz')
          return status === 200 && /schema registry: no answer/.test(body)
        })
        expect(handled.map(({ pair }) => pair)).toEqual(['A', 'B'])
        await until('what was handled before is committed', async () => (await stage.committed()) === 2)
      } finally {
        registry.resume()
      }
      await until('the rest is handled', () => handled.length === 4)
      expect(handled.map(({ pair }) => pair)).toEqual(['A', 'B', 'C', 'D'])
      expect(letters).toEqual([])
      expect(await metricValue(node, 'arbitrage_rebalances_total')).toBe(1)
      const { body } = await get(node, '/readyz')
      expect(JSON.parse(body).checks.schemas).toMatchObject({ status: 'ok' })
    })
  })

  test('shows by tail, and checks by format check, what it reads', async () => {
    await onKafka({}, async (stage) => {
      const schema = record(SYMBOL, PRICE, AT)
      const id = await registry.register(`${stage.topic}-value`, { schema })
      const values = [
        quote(schema, id, { symbol: 'A' }),
        quote(schema, 999_999, {}),
        quote(schema, id, { symbol: 'B' }),
      ]
      await stage.produceRecords(...values.map((value) => ({ partition: 0, value })))
      const env = { KAFKA_BROKERS: kafkaBrokers().join(','), SCHEMA_REGISTRY_URL: registry.url }
      const folder = await mkdtemp(join(tmpdir(), 'forewarm-registry-'))
      try {
        const config = join(folder, 'settings.json')
        await writeFile(config, JSON.stringify({ formats: { [stage.topic]: MAPPING } }))
        const tail = await forewarm(['tail', stage.topic, '--no-follow', '--json', '--config', config], { env })
        const lines = tail.stdout.trim().split('\n')
        expect(lines.map((line) => JSON.parse(line))).toMatchObject([
          { kind: 'prices', updates: [{ pair: 'A', price: 3120.5 }] },
          { kind: 'other', reason: 'unknown-schema' },
          { kind: 'prices', updates: [{ pair: 'B' }] },
        ])
        const check = await forewarm(['format', 'check', stage.topic, '--json', '--config', config], { env })
        expect(JSON.parse(check.stdout)).toMatchObject({
          records: 3,
          updates: 2,
          refused: [{ reason: 'unknown-schema' }],
        })
        const replay = await forewarm(['replay', stage.topic, '--stdout', '--config', config], { env })
        const written = replay.stdout.trim().split('\n')
        expect(written.map((line) => JSON.parse(line))).toMatchObject([{ pair: 'A' }, { pair: 'B' }])
        const without = { KAFKA_BROKERS: env.KAFKA_BROKERS }
        const refused = await forewarm(['tail', stage.topic, '--no-follow', '--config', config], { env: without })
        expect([refused.code, refused.stderr]).toEqual([
          expect.any(Number),
          expect.stringContaining('SCHEMA_REGISTRY_URL'),
        ])
        expect(refused.code).not.toBe(0)
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  })

  test('refuses what the registry does not know, and what is of another type, and reads the next', async () => {
    await onKafka({}, async (stage) => {
      const schema = record(SYMBOL, PRICE, AT)
      const id = await registry.register(`${stage.topic}-value`, { schema })
      const other = await registry.register(`${stage.topic}-proto`, {
        schemaType: 'PROTOBUF',
        schema: `syntax = "proto3"; message ${uniqueName('P').replace(/-/g, '')} { string pair = 1; }`,
      })
      const { handled, send } = await reading(stage)
      const bad = [quote(schema, 999_999, {}), quote(schema, other, {})]
      await send(...bad, quote(schema, id, { symbol: 'good' }))
      await until('the good one is handled', () => handled.length === 1)
      const letters = await stage.deadLetters(2)
      expect(letters.map((letter) => header(letter, 'forewarm-error-code'))).toEqual([
        'unknown-schema',
        'unknown-schema',
      ])
      expect(letters.map(({ value }) => `${value}`)).toEqual(bad.map(String))
    })
  })
})
