import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { InProcessNode } from '../../bin/in-process-node.ts'
import { pairKey } from '../../schemas/topics.ts'
import { detector } from '../../src/detect/detector.ts'
import { replay } from '../../src/replay/replay.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { createStateHash } from '../../src/replay/state-hash.ts'
import { priceAt, recordOf, T0 } from '../replay/record-builders.ts'
import { warmRecord } from '../replay/warm-records.ts'

const ORIGIN = {
  topics: new Map([
    ['prices', 1],
    ['warm-requests', 1],
  ]),
  clusterId: undefined,
  stateHash: undefined,
}
const PAIRS = Array.from({ length: 10 }, (_, i) => `P${i}`)

let folder: string
let node: InProcessNode

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-in-process-'))
  const configFile = join(folder, 'forewarm.config.json')
  await writeFile(configFile, JSON.stringify({ cache: { l1Slots: 4 }, node: { lookAhead: 'off' } }))
  node = new InProcessNode({ detectors: [], configFile, ownTopics: new Set(['warm-requests']) })
  await node.open(ORIGIN)
})
afterEach(async () => {
  await node.close()
  await rm(folder, { recursive: true })
})

async function apply(...records: readonly ReplayRecord[]): Promise<void> {
  for (const record of records) await node.apply(record)
  await node.flush()
}

test('a replay in process ends with the state of its records: also for evicted pairs, updates of one millisecond and delisted pairs', async () => {
  const updates = PAIRS.flatMap((pair, i) => [
    priceAt(i, { pair, price: 1 + i }),
    priceAt(i, { pair, price: 2 + i, bid: 1 }),
    priceAt(i - 1, { pair, price: 3 }),
  ])
  const hash = createStateHash()
  for (const update of updates) hash.updatePrice(update)
  const listedAgain = priceAt(3, { pair: 'P3', price: 9 })
  for (const pair of ['P2', 'P3']) hash.delist('ethereum', pair)
  hash.updatePrice(listedAgain)
  const tombstones = ['P2', 'P3'].map((pair) => {
    const { value: _, ...tombstone } = recordOf(priceAt(20), { key: Buffer.from(pairKey('ethereum', pair)) })
    return tombstone as ReplayRecord
  })
  await apply(
    ...updates.map((update) => recordOf(update)),
    ...tombstones,
    recordOf(listedAgain, { timestampMs: T0 + 30 }),
  )
  expect(await node.stateHash()).toBe(hash.digest())
})

test('a replay in process takes records of any size: large frames in one batch, and records too large to be decoded', async () => {
  const hash = createStateHash()
  const frames = Array.from({ length: 600 }, (_, i) => {
    const updates = PAIRS.map((pair) => priceAt(i, { pair, price: i, group: 'g'.repeat(250) }))
    for (const update of updates) hash.updatePrice(update)
    return recordOf(priceAt(i), { value: Buffer.from(JSON.stringify(updates)) })
  })
  await apply(...frames, recordOf(priceAt(600), { value: Buffer.alloc(5_000_000, ' ') }))
  expect(node.stats()?.updates).toBe(6_000)
  expect(await node.stateHash()).toBe(hash.digest())
})

test('a replay in process ends with another state if the node refused a price', async () => {
  const updates = [priceAt(0, { pair: 'A' }), priceAt(120_000, { pair: 'A', price: 1 })]
  const hash = createStateHash()
  for (const update of updates) hash.updatePrice(update)
  await apply(...updates.map((update) => recordOf(update, { timestampMs: T0 })))
  expect(node.stats()?.updates).toBe(1)
  expect(await node.stateHash()).not.toBe(hash.digest())
})

test('a replay in process counts what the node refuses, apart from the dead letters that are replayed with it', async () => {
  await node.close()
  const configFile = join(folder, 'forewarm.config.json')
  node = new InProcessNode({ detectors: [], configFile, ownTopics: new Set() })
  await node.open({ ...ORIGIN, topics: new Map(['prices', 'prices.dlq'].map((topic) => [topic, 1])) })
  const letter = recordOf(priceAt(0), { topic: 'prices.dlq', value: Buffer.from('refused long ago') })
  const bad = recordOf(priceAt(2), { value: Buffer.from('no price') })
  await apply(recordOf(priceAt(0)), letter, recordOf(priceAt(1)), letter, bad)
  await node.close()
  expect(node.refused).toEqual([expect.objectContaining({ reason: 'not-json', records: 1 })])
  expect(node.stats()?.updates).toBe(2)
})

test('a replay in process counts more refusals than their topic keeps', async () => {
  for (let sent = 0; sent < 41_000; sent++)
    await node.apply(recordOf(priceAt(sent), { value: Buffer.from('no price') }))
  await node.flush()
  await node.close()
  expect(node.refused.reduce((all, { records }) => all + records, 0)).toBe(41_000)
})

test('a replay in process serves recorded warm requests, each at its place among the prices', async () => {
  const prices = PAIRS.map((pair, i) => recordOf(priceAt(i, { pair })))
  const replayed = { origin: 'replay', issuedAtMs: T0 + 10, expiresAtMs: T0 + 20 } as const
  const early = warmRecord({ ...replayed, requestId: 'early', pairs: ['late'] })
  const inTime = warmRecord({ ...replayed, requestId: 'in-time', pairs: ['P8', 'P9'] })
  const late = recordOf(priceAt(60_000, { pair: 'late' }))
  await apply(...prices, early, inTime, late)
  expect(node.stats()).toMatchObject({
    updates: 11,
    warms: { admitted: 2 },
    warmRequests: { lagRecords: 0, waiting: 0 },
  })
})

test.each([{ timestamps: 'shift' } as const, { loop: 2 }])(
  'a replay in process with %j refuses to verify a state hash',
  async (how) => {
    const file = join(folder, 'prices.ndjson')
    await writeFile(file, JSON.stringify(priceAt(0)))
    await expect(
      replay({ from: { file }, to: { inProcess: node }, verifyHash: 'f'.repeat(64), ...how }),
    ).rejects.toMatchObject({ code: 'bad-option' })
  },
)

test('a replay in process keeps what detectors return to itself, and leaves recorded outputs out', async () => {
  const found = detector('found', { output: 'found' }, ({ price }) => ({ price }))
  const topics = new Map([...ORIGIN.topics, ['found', 1]])
  const replaying = new InProcessNode({
    detectors: [found],
    configFile: undefined,
    ownTopics: new Set(['warm-requests']),
  })
  try {
    await replaying.open({ ...ORIGIN, topics })
    for (const record of [recordOf(priceAt(0)), { ...recordOf(priceAt(1)), topic: 'found' }])
      await replaying.apply(record)
    await replaying.flush()
    expect(replaying.stats()).toMatchObject({ updates: 1, detectors: [{ outputs: 1, outputsRefused: 0 }] })
  } finally {
    await replaying.close()
  }
})
