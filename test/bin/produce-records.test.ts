import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type ProducePricesOptions, producePrices } from '../../bin/produce-prices.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'
import { Formats } from '../../src/formats/formats.ts'
import { format } from '../../src/formats/function-format.ts'
import type { BadLine } from '../../src/replay/source/bad-line.ts'
import { openTopics } from '../../src/replay/source/topic.ts'
import { forewarm } from './forewarm-process.ts'

const MAPPING = {
  chain: 'venue',
  pair: 's',
  price: 'p',
  eventTimeMs: 't',
  skip: { path: 'result', exists: true },
  delete: { path: 'op', equals: 'd' },
}
const PARTITIONS = 8

let broker: MemoryBroker
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-produce-records-'))
  broker = createMemoryBroker()
  await withAdmin(broker, (admin) => admin.createTopics([{ topic: 'quotes', partitions: PARTITIONS }]))
})
afterEach(async () => {
  await broker.close()
  await rm(folder, { recursive: true })
})

const nowMs = Date.now()
const line = (rest = '', venue = 'x') => `{ "s":"ETH",  "p":"3120.50","t":${nowMs} ,"venue":"${venue}"${rest}}`

async function optionsOf(...lines: readonly string[]): Promise<ProducePricesOptions> {
  const file = join(folder, 'quotes.ndjson')
  await writeFile(file, lines.join('\n'))
  return {
    ...{ broker, topic: 'quotes', partitions: PARTITIONS, file, updatesPerRecord: 1, encoding: 'json' },
    ...{ timestamps: 'broker', formats: new Formats([format('quotes', MAPPING)]) },
    signal: new AbortController().signal,
    onWarning: () => undefined,
    onBadLine: ({ detail }) => {
      throw new Error(detail)
    },
  }
}

async function stored() {
  const source = await openTopics({ broker, topics: ['quotes'] })
  const all = []
  for await (const records of source.read(new AbortController().signal)) all.push(...records)
  return all.map(({ partition, key, value, timestampMs }) => ({
    ...{ partition, key: key && `${key}`, value: `${value}`, timestampMs },
  }))
}

test('lines of a topic that has a format are written as they are, each to the partition of its chain', async () => {
  const listed = `[${line()},${line(',"u":1')}]`
  const lines = [line('', 'y'), '{"result":null}', `${line()}\r`, listed, line(',"op":"d"')]
  const report = await producePrices(await optionsOf(...lines))
  expect(report).toMatchObject({ format: 'quotes', produced: 5, badLines: 0, failed: 0 })
  const [x, y] = ['x', 'y'].map((chain) => partitionOf(chain, PARTITIONS))
  const found = (await stored()).map(({ partition, key, value }) => ({ partition, key, value }))
  expect(found).toHaveLength(5)
  expect(found).toEqual(
    expect.arrayContaining([
      { partition: y, key: 'ETH', value: lines[0] },
      { partition: y, key: undefined, value: lines[1] },
      { partition: x, key: 'ETH', value: line() },
      { partition: x, key: 'x', value: listed },
      { partition: x, key: 'ETH', value: lines[4] },
    ]),
  )
})

test('a line that the format of its topic refuses is a bad line, and nothing is written unless it is skipped', async () => {
  const lines = [line(), '{"s":"ETH","venue":"x"}', line()]
  await expect(producePrices(await optionsOf(...lines))).rejects.toThrow(/price is missing/)
  expect(await stored()).toEqual([])
  const bad: BadLine[] = []
  const skipping = { ...(await optionsOf(...lines)), skipsBad: true, onBadLine: (each: BadLine) => bad.push(each) }
  expect(await producePrices(skipping)).toMatchObject({ produced: 2, badLines: 1 })
  expect(bad).toMatchObject([{ line: 2, reason: 'missing-price' }])
})

test('records that are written as they are may have the times of their events, and none that nodes would refuse', async () => {
  const lateMs = nowMs + 3_600_000
  const options = await optionsOf(
    line(),
    line().replace(`${nowMs}`, `${nowMs - 5}`),
    line().replace(`${nowMs}`, `${lateMs}`),
  )
  const report = await producePrices({ ...options, timestamps: 'event-time' })
  expect(report).toMatchObject({ produced: 2, failed: 1, failure: expect.stringMatching(/at most 60000 ms ahead/) })
  expect((await stored()).map(({ timestampMs }) => timestampMs).sort()).toEqual([nowMs - 5, nowMs])
})

test('lines of any encoding are written by the bytes that they have', async () => {
  const file = join(folder, 'latin1.txt')
  const bytes = Buffer.from('ETH\xe9 5', 'latin1')
  await writeFile(file, bytes)
  const read = format('quotes', ({ value = Buffer.alloc(0) }) => {
    const [pair = '', price] = value.toString('latin1').split(' ')
    return { pair, chain: 'x', price: Number(price), eventTimeMs: nowMs }
  })
  await producePrices({ ...(await optionsOf('')), file, formats: new Formats([read]) })
  const source = await openTopics({ broker, topics: ['quotes'] })
  for await (const [record] of source.read(new AbortController().signal)) {
    expect(record?.value).toEqual(bytes)
    expect(`${record?.key}`).toBe('ETHé')
  }
  expect.assertions(2)
})

test.each([
  [['--frame', '2'], '--frame'],
  [['--encoding', 'avro'], '--encoding'],
])(
  'forewarm produce with %j goes with topics in our own format',
  async (flags, option) => {
    const settings = join(folder, 'settings.json')
    await writeFile(settings, JSON.stringify({ formats: { quotes: MAPPING } }))
    const args = ['produce', 'none.ndjson', '--topic', 'quotes', '--config', settings, ...flags]
    const { code, stderr } = await forewarm(args, { env: { KAFKA_BROKERS: '127.0.0.1:1' } })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`${option} goes with`) })
  },
  30_000,
)
