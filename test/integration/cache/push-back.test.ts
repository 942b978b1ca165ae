import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { PushBack } from '../../../src/cache/l2/push-back.ts'
import { createRedisL2 } from '../../../src/cache/l2/redis/redis.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { systemClock, virtualClock } from '../../../src/clock.ts'
import { cachedPrice, columnsOf } from '../../cache/l2/columns.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'
import { until } from '../../harness/until.ts'

const PAIRS = 10_000

let redis: Stack
const opened: { close(): void | Promise<void> }[] = []

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
})
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})
afterAll(() => redis?.stop())

async function openL2(table: PairTable, onConnected = (): void => undefined): Promise<L2> {
  const options = { table, clock: systemClock, random: Math.random, ttlMs: 3_600_000, commandTimeoutMs: 5_000 }
  const l2 = createRedisL2({ ...options, url: redis.redisUrl ?? '', onConnected })
  opened.push(l2)
  await l2.start()
  await until('Redis is reached', () => l2.state().status === 'up')
  return l2
}

test('a Redis that was killed and is back, empty, gets what L1 has, and keeps what is newer', async () => {
  const table = new PairTable({ maxPairs: PAIRS })
  const chain = uniqueName('chain')
  const ids = Array.from({ length: PAIRS }, (_, at) => table.register(chain, `p${at}`))
  const l1 = new L1({ slots: PAIRS, maxPairs: PAIRS })
  const timer = new ManualTimer(virtualClock())
  let pushBack: PushBack | undefined
  let isBack = false
  const l2 = await openL2(table, () => {
    isBack = true
    pushBack?.start()
  })
  pushBack = new PushBack({ table, l1, l2, timer: timer.start })
  opened.push(pushBack)
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
  const columns = columnsOf([{ pairId: newer, version: 11 }])
  expect(await other.write(columns, 0, 1)).toEqual({ status: 'written', written: 1, older: 0 })
  const isDone = async () => {
    await timer.advance(10)
    return pushBack?.pushed === PAIRS - 1
  }
  await until('all are written, but for the one that is older', isDone, { timeoutMs: 60_000 })
  const rows = ids.map((pairId) => cachedPrice({ version: pairId === newer ? 11 : 10 }))
  expect(await other.load(ids)).toEqual({ status: 'loaded', rows })
})
