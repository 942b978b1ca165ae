import { describe, expect, test } from '@jest/globals'
import { format } from '../../index.ts'
import type { ForewarmNode } from '../../node/node.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { framed } from '../formats/avro/stage.ts'
import { type LoopbackRegistry, loopbackRegistry, type Reply, schemasById } from '../harness/registry/loopback.ts'
import { until } from '../harness/until.ts'
import { get } from './scrape.ts'
import { header, onStage, type Stage } from './stage.ts'

const QUOTE = {
  type: 'record',
  name: 'Quote',
  fields: [
    { name: 'pair', type: 'string' },
    { name: 'price', type: 'double' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
}
const MAPPING = {
  type: 'avro',
  schema: 'registry',
  chain: { const: 'c' },
  pair: 'pair',
  price: 'price',
  eventTimeMs: 'at',
}

const quote = (pair: string, id = 1) => framed(QUOTE, { pair, price: 2, at: Date.now() }, id)

interface Reading {
  readonly stage: Stage
  readonly registry: LoopbackRegistry
  readonly node: ForewarmNode
  readonly handled: readonly PriceUpdate[]
  send(...values: readonly Buffer[]): Promise<void>
  check(): Promise<{ readonly status: string; readonly reason?: string } | undefined>
}

/** Runs a node that reads the stage's topic by the schemas of a registry. */
async function reading(reply: (path: string) => Reply, body: (on: Reading) => Promise<void>): Promise<void> {
  const registry = await loopbackRegistry(reply)
  try {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const handled: PriceUpdate[] = []
      const node = await stage.startNode({
        detectors: [detector('all', {}, (update) => void handled.push(update))],
        start: 'earliest',
        formats: [format(stage.topic, MAPPING)],
        config: { schemaRegistry: { url: registry.url, username: 'u', password: 'p' } },
      })
      await body({
        ...{ stage, registry, node, handled },
        send: (...values) => stage.produceRecords(...values.map((value) => ({ partition: 0, value }))),
        check: async () => {
          const { body: text } = await get(node, '/readyz')
          return JSON.parse(text).checks.schemas
        },
      })
    })
  } finally {
    await registry.close()
  }
}

const away = (status: number, body: string) => (): Reply => ({ status, body })

describe('a node that reads by the schemas of a registry', () => {
  test('logs in, asks once for a schema, and reads the records that were written by it', async () => {
    await reading(schemasById({ 1: QUOTE }), async ({ registry, handled, send, check }) => {
      await send(quote('A'), quote('B'), quote('C'))
      await until('all are handled', () => handled.length === 3)
      expect(registry.asked).toEqual(['/schemas/ids/1'])
      expect(registry.headers.authorization).toBe(`Basic ${Buffer.from('u:p').toString('base64')}`)
      expect(await check()).toMatchObject({ status: 'ok' })
    })
  })

  test.each<readonly [what: string, reply: () => Reply, reason: RegExp]>([
    ['refuses its login', away(401, '{"error_code":401,"message":"Unauthorized"}'), /401.*login/],
    ['has no such address', away(404, '<html>not here</html>'), /404 as no registry does/],
    ['has a fault', away(500, '{"error_code":50001,"message":"no leader"}'), /500: no leader/],
    ['is a page of a proxy', away(200, '<html>please log in</html>'), /no JSON/],
    ['says nothing', () => 'nothing', /no answer for/],
  ])('waits and is degraded while the registry %s, then goes on with nothing lost', async (_, reply, reason) => {
    await reading(reply, async ({ stage, registry, handled, send, check }) => {
      const letters = await stage.watch(`${stage.topic}.dlq`, 'earliest')
      await send(quote('A'), quote('B'))
      await until('the node says why it waits', async () => reason.test((await check())?.reason ?? ''))
      expect(await check()).toMatchObject({ status: 'degraded' })
      expect(handled).toEqual([])
      registry.answer(schemasById({ 1: QUOTE }))
      await until('both are handled', () => handled.length === 2)
      expect(handled.map(({ pair }) => pair)).toEqual(['A', 'B'])
      expect(await check()).toMatchObject({ status: 'ok' })
      expect(letters).toEqual([])
    })
  })

  test('reads a record whose header names its schema, and asks for that by its GUID', async () => {
    const guid = '89791762-2336-186f-9674-299b90a802e2'
    const schema = schemasById({ 1: QUOTE })
    const byGuid = (path: string) => (path === `/schemas/guids/${guid}` ? schema('/1') : schema(path))
    await reading(byGuid, async ({ stage, registry, handled, send }) => {
      const id = Buffer.from(`01${guid.replaceAll('-', '')}`, 'hex')
      const value = quote('A').subarray(5)
      await stage.produceRecords({ partition: 0, value, headers: [['__value_schema_id', id]] })
      await send(quote('B'))
      await until('both are handled', () => handled.length === 2)
      expect(handled.map(({ pair }) => pair)).toEqual(['A', 'B'])
      expect(registry.asked).toEqual([`/schemas/guids/${guid}`, '/schemas/ids/1'])
    })
  })

  test('makes a dead letter of a record whose schema the registry does not know, and reads the next', async () => {
    await reading(schemasById({ 1: QUOTE }), async ({ stage, handled, send, check }) => {
      await send(quote('A'), quote('X', 9), quote('B'))
      await until('the good ones are handled', () => handled.length === 2)
      const [letter] = await stage.deadLetters(1)
      expect(letter && header(letter, 'forewarm-error-code')).toBe('unknown-schema')
      expect(await check()).toMatchObject({ status: 'ok' })
    })
  })

  test('gives up a partition while it waits, and the node that gets it loses nothing', async () => {
    await reading(
      () => 'nothing',
      async ({ stage, registry, node, handled, send }) => {
        await send(quote('A'), quote('B'))
        await until('the registry is asked', () => registry.asked.length === 1)
        const later: string[] = []
        const other = stage.startNode({
          detectors: [detector('other', {}, ({ pair }) => void later.push(pair))],
          start: 'earliest',
          formats: [format(stage.topic, MAPPING)],
          config: { schemaRegistry: { url: registry.url } },
        })
        await node.close()
        expect(handled).toEqual([])
        await other
        registry.answer(schemasById({ 1: QUOTE }))
        await until('both are handled by the other node', () => later.length === 2)
        expect(later).toEqual(['A', 'B'])
      },
    )
  })

  test('can be closed while it waits', async () => {
    await reading(
      () => 'nothing',
      async ({ node, registry, send }) => {
        await send(quote('A'))
        await until('the registry is asked', () => registry.asked.length === 1)
        await node.close()
        await node.close()
      },
    )
  })

  test('is not made without the address of a registry', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      await expect(stage.node({ formats: [format(stage.topic, MAPPING)] })).rejects.toMatchObject({
        code: 'bad-config',
        message: expect.stringContaining('SCHEMA_REGISTRY_URL'),
      })
    })
  })
})
