import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { spread } from '../../examples/spread.ts'
import { createMemoryBroker, createNode, record, replay } from '../../index.ts'
import { replayFile, virtualClock } from '../../testing.ts'
import { until } from '../harness/until.ts'

const PRICES = fileURLToPath(new URL('../../examples/prices.ndjson', import.meta.url))
const UPDATES = 60
const GOLDEN_HASH = 'bf5db1e1d0a87e6ff11a049ce5c47de4973d8c6c6e28d35af6ead89897b5a730'
const GOLDEN_FINDINGS = [
  'WETH/USDC is 0.53 % above WETH/USDT, 379 ms old',
  'WETH/USDT is 0.89 % below WETH/USDC, 202 ms old',
  'WETH/USDT is 0.90 % below WETH/USDC, 181 ms old',
  'WETH/USDT is 0.93 % below WETH/USDC, 476 ms old',
]

const ignore = (): void => undefined
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-golden-'))
})
afterEach(async () => {
  jest.restoreAllMocks()
  await rm(folder, { recursive: true })
})

// region: golden
test('recorded prices lead to the known state hash, and the detector reports what it always reported', async () => {
  const said = jest.spyOn(console, 'log').mockImplementation(ignore)
  const broker = createMemoryBroker({ partitions: { 'prices.example': 1 } })
  const node = await createNode({
    detectors: [spread],
    broker,
    l2: 'memory',
    clock: virtualClock(),
    start: 'earliest',
    logLevel: 'warn',
    config: { kafka: { priceTopics: ['prices.example'] }, http: { port: 0 } },
  })
  try {
    await replay({ broker, from: { file: PRICES }, to: { topic: 'prices.example' } })
    await node.start()
    await until('all is handled', () => node.stats().updates === UPDATES)
    expect(await node.stateHash()).toBe(GOLDEN_HASH)
  } finally {
    await node.close()
    await broker.close()
  }
  expect(said.mock.calls).toEqual(GOLDEN_FINDINGS.map((line) => [line]))
})
// endregion

test('the golden state hash is that of the recorded prices', async () => {
  const report = await replayFile({ file: PRICES, apply: ignore, verifyHash: GOLDEN_HASH })
  expect(report.hashMatches).toBe(true)
})

test('one price that is a cent off changes the state hash', async () => {
  const changed = join(folder, 'changed.ndjson')
  await writeFile(changed, (await readFile(PRICES, 'utf8')).replace('"price":2992.27', '"price":2992.28'))
  const report = await replayFile({ file: changed, apply: ignore, verifyHash: GOLDEN_HASH })
  expect(report).toMatchObject({ replayed: UPDATES, hashMatches: false })
})

test('a recording of a topic leads to the same state hash in every replay', async () => {
  const broker = createMemoryBroker({ partitions: { 'prices.example': 4 } })
  await replay({ broker, from: { file: PRICES }, to: { topic: 'prices.example' } })
  const file = join(folder, 'recorded.ndjson.gz')
  const recorded = await record({ broker, topics: ['prices.example'], file })
  const [first, second] = [
    await replayFile({ file, apply: ignore, verifyHash: true }),
    await replayFile({ file, apply: ignore, verifyHash: true }),
  ]
  expect([recorded.stateHash, first.stateHash, second.stateHash]).toEqual([GOLDEN_HASH, GOLDEN_HASH, GOLDEN_HASH])
  expect([first.hashMatches, second.hashMatches]).toEqual([true, true])
  await broker.close()
})
