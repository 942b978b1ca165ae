import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { PushBack } from '../../../src/cache/l2/push-back.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { virtualClock } from '../../../src/clock.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'
import { until } from '../../harness/until.ts'
import { closeLevels, loaded, openLevel, write, written } from './redis-levels.ts'

const PAIRS = 10_000

let redis: Stack
let pushBack: PushBack | undefined

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
})
afterEach(async () => {
  pushBack?.close()
  await closeLevels()
})
afterAll(() => redis?.stop())

const openL2 = (table: PairTable, onConnected = () => {}) =>
  openLevel({ table, url: redis.redisUrl ?? '', onConnected })

test('a Redis that was killed and comes back empty gets the values of L1, and keeps newer ones', async () => {
  const table = new PairTable({ maxPairs: PAIRS })
  const chain = uniqueName('chain')
  const ids = Array.from({ length: PAIRS }, (_, at) => table.register(chain, `p${at}`))
  const l1 = new L1({ slots: PAIRS, maxPairs: PAIRS })
  const timer = new ManualTimer(virtualClock())
  let isBack = false
  const l2 = await openL2(table, () => {
    isBack = true
    pushBack?.start()
  })
  pushBack = new PushBack({ table, l1, l2, timer: timer.start })
  const numbers = new Float64Array(6).fill(Number.NaN)
  numbers[0] = 10
  for (const pairId of ids) l1.update(pairId, 10, numbers, 0)

  isBack = false
  await redis.stopRedis()
  await until('the loss is noticed', () => l2.state().status === 'degraded')
  await redis.startRedis()
  await until('it is back', () => isBack && l2.state().status === 'up')

  const other = await openL2(table)
  const [newer = -1] = ids
  expect(await write(other, [newer], 11)).toEqual(written(1))
  const isDone = async () => {
    await timer.advance(10)
    return pushBack?.pushed === PAIRS - 1
  }
  await until('all are written, but for the one that is older', isDone, { timeoutMs: 60_000 })
  expect(await other.load(ids)).toEqual(loaded(...ids.map((pairId) => (pairId === newer ? 11 : 10))))
})

test('a Redis that was flushed without losing its connections is noticed by every node, and not before', async () => {
  const table = new PairTable({ maxPairs: 10 })
  const chain = uniqueName('chain')
  const nodes = [0, 1, 2]
  const calls: number[] = []
  const levels: L2[] = []
  for (const at of nodes) levels.push(await openL2(table, () => calls.push(at)))
  // Commands of one connection are answered in their order; a flush may have left no marker, which takes two of them.
  const looked = async (l2: L2) => {
    l2.measure?.()
    for (let trip = 0; trip < 3; trip++) await l2.load([table.register(chain, 'a')])
  }
  for (const l2 of [...levels, ...levels]) await looked(l2)
  expect(calls.splice(0).sort()).toEqual(nodes)
  const raw = new Redis(redis.redisUrl ?? '')
  for (const _ of ['once', 'again']) {
    await raw.flushall()
    for (const l2 of [...levels, ...levels]) await looked(l2)
    expect(calls.splice(0).sort()).toEqual(nodes)
  }
  raw.disconnect()
})
