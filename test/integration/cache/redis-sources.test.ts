import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { decodeValue } from '../../../src/cache/l2/value.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { MIXED, PARTITION_BITS } from '../../../src/cache/sources/codes.ts'
import { columnsOf } from '../../cache/l2/columns.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { addScriptUser, asScriptUser, closeLevels, openLevel, written } from './redis-levels.ts'

/** The codes of two topics as wholes, and of their partitions. */
const A = 5 * 2 ** PARTITION_BITS
const B1 = 6 * 2 ** PARTITION_BITS + 1
const [A1, A2] = [A + 1, A + 2]

let redis: Stack
let raw: Redis

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(redis.redisUrl ?? '')
  await addScriptUser(raw)
})
afterEach(closeLevels)
afterAll(async () => {
  raw?.disconnect()
  await redis?.stop()
})

/** A level, a pair, and what Redis holds of it. */
async function levelWithPair(url: string) {
  const table = new PairTable({ maxPairs: 10 })
  const chain = uniqueName('chain')
  const pairId = table.register(chain, 'a')
  const key = `fw:default:{${chain}}:a`
  const told: string[] = []
  const onMixed = (code: number, before: number) => void told.push(`mixed ${code} ${before}`)
  const onNewer = (pair: number, floor: number) => void told.push(`newer ${pair} ${floor}`)
  const l2 = await openLevel({ url, table, onMixed, onNewer })
  const write = (version: number, sourceCode: number) =>
    l2.write(columnsOf([{ pairId, version, bid: 7, sourceCode }]), 0, 1)
  const stored = async () => {
    const decoded = decodeValue((await raw.getBuffer(key)) ?? Buffer.alloc(0))
    if (!decoded.ok || decoded.price === undefined) return decoded
    return { version: decoded.price.version, bid: decoded.price.bid, sourceCode: decoded.sourceCode }
  }
  return { l2, pairId, key, told, write, stored }
}

const WAYS: [way: string, url: () => string][] = [
  ['function', () => redis.redisUrl ?? ''],
  ['script', () => asScriptUser(redis.redisUrl ?? '')],
]

describe.each(WAYS)('a level in Redis, by %s,', (_, url) => {
  it('keeps the source of a value, and takes later values of that source', async () => {
    const { write, stored, told } = await levelWithPair(url())
    expect(await write(1, 5)).toEqual(written(1))
    expect(await write(2, 5)).toEqual(written(1))
    expect(await stored()).toEqual({ version: 2, bid: 7, sourceCode: 5 })
    expect(told).toEqual([])
  })

  it('takes values without a source before and after one that has a source', async () => {
    const { write, stored, told } = await levelWithPair(url())
    for (const [version, code] of [0, 5, 0, 6].entries()) expect(await write(version + 1, code)).toEqual(written(1))
    expect(await stored()).toEqual({ version: 4, bid: 7, sourceCode: 6 })
    expect(told).toEqual([])
  })
})

describe.each(WAYS)('a value without a source, by %s,', (_, url) => {
  it('leaves the source of the same version in Redis, and not that of an older one', async () => {
    const { write, stored, told } = await levelWithPair(url())
    for (const [version, code, left] of [
      [2, 5, 5],
      [2, 0, 5],
      [3, 0, 0],
      [3, 0, 0],
      [3, 5, 5],
    ] as const) {
      expect(await write(version, code)).toEqual(written(1))
      expect(await stored()).toEqual({ version, bid: 7, sourceCode: left })
    }
    expect(told).toEqual([])
  })
})

describe.each(WAYS)('a pair with values of two sources in Redis, by %s,', (_, url) => {
  it('is told to the writer of the second if that is of another topic, and to readers by what is stored', async () => {
    const { write, stored, told } = await levelWithPair(url())
    await write(1, A1)
    expect(await write(2, B1)).toEqual(written(1))
    expect(await stored()).toEqual({ version: 2, bid: 7, sourceCode: MIXED })
    expect(told).toEqual([`mixed ${B1} ${A1}`])
  })

  it('has the topic as a whole for a source if both are its partitions, and the writer is told', async () => {
    const { write, stored, told } = await levelWithPair(url())
    await write(1, A1)
    expect(await write(2, A2)).toEqual(written(1))
    expect(await stored()).toEqual({ version: 2, bid: 7, sourceCode: A })
    await write(3, A1)
    expect(await stored()).toEqual({ version: 3, bid: 7, sourceCode: A })
    expect(told).toEqual([`mixed ${A2} ${A1}`, `mixed ${A1} ${A}`])
  })

  it('is no news to a writer of the topic as a whole when a partition of it was stored', async () => {
    const { write, stored, told } = await levelWithPair(url())
    await write(1, A1)
    expect(await write(2, A)).toEqual(written(1))
    expect(await stored()).toEqual({ version: 2, bid: 7, sourceCode: A })
    expect(told).toEqual([])
  })

  it('stays mixed when values of one source alone follow, and their writer is told', async () => {
    const { write, stored, told } = await levelWithPair(url())
    for (const [version, code] of [A1, B1, A1, A1, MIXED].entries()) await write(version + 1, code)
    expect(await stored()).toEqual({ version: 5, bid: 7, sourceCode: MIXED })
    expect(told).toEqual([`mixed ${B1} ${A1}`, `mixed ${A1} ${MIXED}`, `mixed ${A1} ${MIXED}`])
  })

  it('is found out by a write that is too old, which leaves value and TTL as they are', async () => {
    const { write, stored, told, pairId, key } = await levelWithPair(url())
    await write(9, A1)
    await raw.pexpire(key, 1_000_000)
    expect(await write(8, B1)).toEqual({ status: 'written', written: 0, older: 1 })
    expect(await stored()).toEqual({ version: 9, bid: 7, sourceCode: MIXED })
    expect(Math.ceil((await raw.pttl(key)) / 100_000)).toBe(10)
    expect(told.sort()).toEqual([`mixed ${B1} ${A1}`, `newer ${pairId} 9`])
  })

  it('begins anew with the source of the first value after a deletion', async () => {
    const { l2, write, stored, pairId, told } = await levelWithPair(url())
    await write(1, 5)
    await l2.delete([{ pairId, version: 1 }])
    expect(await write(2, 6)).toEqual(written(1))
    expect(await stored()).toEqual({ version: 2, bid: 7, sourceCode: 6 })
    expect(told).toEqual([])
  })
})
