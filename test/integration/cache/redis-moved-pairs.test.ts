import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { Stamps } from '../../../src/cache/foreign/stamps.ts'
import { Arrivals } from '../../../src/cache/freshness/arrivals.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { EVERYTHING, FOLLOWS, Sources } from '../../../src/cache/sources/sources.ts'
import { monotonicMs } from '../../../src/monotonic.ts'
import { columnsOf } from '../../cache/l2/columns.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { closeLevels, openLevel } from './redis-levels.ts'

const COUNTS = { old: 1, new: 1, wide: 2 }

let redis: Stack
const stamping: Stamps[] = []

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
})
afterEach(async () => {
  for (const stamps of stamping.splice(0)) stamps.close()
  await closeLevels()
})
afterAll(() => redis?.stop())

/** What a node has of a service that follows one partition. */
async function startNode(service: string, topic: string, partition: number) {
  const sources = new Sources()
  for (const [name, partitions] of Object.entries(COUNTS)) sources.grow(name, partitions)
  const table = new PairTable({ maxPairs: 8 })
  const l1 = new L1({ slots: 8, maxPairs: 8, sources })
  const arrivals = new Arrivals({ table, sources, l1 })
  const source = sources.idOf(topic, partition)
  arrivals.assign([source])
  const onMixed = (written: number, stored: number) => arrivals.scattered(written, stored)
  const l2 = await openLevel({ url: redis.redisUrl ?? '', service, table, sources, onMixed })
  const writeBehind = { settled: async () => true, lacks: () => false }
  const stamps = new Stamps({ sources, l2, writeBehind, pushBack: { round: async () => true } })
  stamping.push(stamps)
  stamps.start()
  const update = async (pair: string, version: number) => {
    const pairId = table.register('ethereum', pair)
    const from = arrivals.arrived(pairId, source)
    const columns = columnsOf([{ pairId, version, price: 1, sourceCode: sources.codeOf(from) }])
    l1.update(pairId, version, columns.numbers, 0, from)
    await l2.write(columns, 0, 1)
    sources.raise(source, monotonicMs())
  }
  const price = emptyPrice()
  const follows = (pair: string) => l1.peek(table.find('ethereum', pair), price) && price.asOfMs === FOLLOWS
  return { sources, source, update, follows }
}

test('a pair that moves to another topic stands still at the node that had it, as soon as that stamps', async () => {
  const service = uniqueName('moved')
  const [before, after] = [await startNode(service, 'old', 0), await startNode(service, 'new', 0)]
  await before.update('MOVED', VERSIONS_PER_MS)
  expect(before.follows('MOVED')).toBe(true)
  await after.update('MOVED', 2 * VERSIONS_PER_MS)
  expect(after.sources.resolve(after.source)).toBe(EVERYTHING)
  await until('the other node hears of it', () => before.sources.resolve(before.source) === EVERYTHING)
  await before.update('OTHER', 3 * VERSIONS_PER_MS)
  expect(before.follows('MOVED')).toBe(false)
})

test('a pair that moves within its topic leaves the pairs of other topics followed', async () => {
  const service = uniqueName('moved')
  const nodes = [await startNode(service, 'wide', 0), await startNode(service, 'wide', 1)] as const
  const apart = await startNode(service, 'old', 0)
  const [before, after] = nodes
  await apart.update('APART', VERSIONS_PER_MS)
  await before.update('MOVED', VERSIONS_PER_MS)
  await after.update('MOVED', 2 * VERSIONS_PER_MS)
  const hasMerged = ({ sources }: typeof before) => sources.resolve(sources.idOf('wide', 0)) === sources.wholeOf('wide')
  await until('every node hears of it', () => [...nodes, apart].every(hasMerged))
  expect([before.follows('MOVED'), apart.follows('APART')]).toEqual([false, true])
})
