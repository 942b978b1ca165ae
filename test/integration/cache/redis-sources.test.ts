import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { decodeValue } from '../../../src/cache/l2/value.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { MIXED } from '../../../src/cache/sources/sources.ts'
import { columnsOf } from '../../cache/l2/columns.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { addScriptUser, asScriptUser, closeLevels, openLevel, written } from './redis-levels.ts'

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
  const onMixed = (pair: number) => void told.push(`mixed ${pair}`)
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

describe.each([
  ['function', () => redis.redisUrl ?? ''],
  ['script', () => asScriptUser(redis.redisUrl ?? '')],
])('a level in Redis, by %s,', (_, url) => {
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

  it('tells a writer whose pair has a value of another source, and readers by what is stored', async () => {
    const { write, stored, told, pairId } = await levelWithPair(url())
    await write(1, 5)
    expect(await write(2, 6)).toEqual(written(1))
    expect(await stored()).toEqual({ version: 2, bid: 7, sourceCode: MIXED })
    expect(told).toEqual([`mixed ${pairId}`])
  })

  it('keeps a mixed pair mixed when values of one source alone follow, and tells their writer', async () => {
    const { write, stored, told, pairId } = await levelWithPair(url())
    for (const [version, code] of [5, 6, 5, 5, MIXED].entries()) await write(version + 1, code)
    expect(await stored()).toEqual({ version: 5, bid: 7, sourceCode: MIXED })
    expect(told).toEqual([1, 2, 3].map(() => `mixed ${pairId}`))
  })

  it('learns that a pair is mixed from a write that is too old, and leaves value and TTL as they are', async () => {
    const { write, stored, told, pairId, key } = await levelWithPair(url())
    await write(9, 5)
    await raw.pexpire(key, 1_000_000)
    expect(await write(8, 6)).toEqual({ status: 'written', written: 0, older: 1 })
    expect(await stored()).toEqual({ version: 9, bid: 7, sourceCode: MIXED })
    expect(Math.ceil((await raw.pttl(key)) / 100_000)).toBe(10)
    expect(told.sort()).toEqual([`mixed ${pairId}`, `newer ${pairId} 9`])
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
