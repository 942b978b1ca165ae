import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { LIBRARY_NAME } from '../../../src/cache/l2/redis/library.ts'
import { encodeValue, MAX_VALUE_BYTES } from '../../../src/cache/l2/value.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { cachedPrice, columnsOf } from '../../cache/l2/columns.ts'
import { l2Conformance } from '../../cache/l2/conformance.ts'
import { newestWins, writes } from '../../cache/l2/properties.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { addScriptUser, asScriptUser, closeLevels, loaded, openLevel, TTL_MS, written } from './redis-levels.ts'

/** A Redis for these tests alone, because they make it forget the functions. */
let redis: Stack
let raw: Redis

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
  raw = new Redis(redisUrl())
  await addScriptUser(raw)
})
afterEach(closeLevels)
afterAll(async () => {
  raw?.disconnect()
  await redis?.stop()
})

function redisUrl(): string {
  return redis.redisUrl ?? ''
}

async function bench(url: string) {
  const table = new PairTable({ maxPairs: 10_000 })
  const chain = uniqueName('chain')
  const metrics = createMetrics()
  const newer: [number, number][] = []
  const onNewer = (pairId: number, floor: number) => void newer.push([pairId, floor])
  return {
    l2: await openLevel({ url, table, metrics, onNewer }),
    newer,
    table,
    metrics,
    chain,
    ttlMs: TTL_MS,
    outlive: async (pairId: number) => {
      const key = `fw:default:{${chain}}:${table.pairName(pairId)}`
      await raw.pexpire(key, 1)
      await until('the value has expired', async () => (await raw.exists(key)) === 0)
    },
    close: async () => {},
  }
}

l2Conformance('Redis, by function', () => bench(redisUrl()))
l2Conformance('Redis, by script', () => bench(asScriptUser(redisUrl())))

it('Redis keeps the newest value of each pair, in whatever order 500 schedules write them', async () => {
  const table = new PairTable({ maxPairs: 10_000 })
  const l2 = await openLevel({ url: redisUrl(), table })
  const chain = uniqueName('chain')
  let runs = 0
  await fc.assert(
    fc.asyncProperty(writes, async (writes) => {
      runs++
      await newestWins(
        l2,
        [0, 1, 2].map((pair) => table.register(chain, `${runs}-${pair}`)),
        writes,
      )
    }),
    { numRuns: 500 },
  )
})

it('a load brings no value of a pair that is deleted meanwhile', async () => {
  const { l2, table, chain } = await bench(redisUrl())
  const [a = -1, b = -1] = ['a', 'b'].map((pair) => table.register(chain, pair))
  await l2.write(columnsOf([a, b].map((pairId) => ({ pairId, version: 1 }))), 0, 2)
  const load = l2.load([a, b])
  const deleted = l2.delete([{ pairId: a, version: 0 }])
  expect(await load).toMatchObject({ status: 'loaded', rows: [undefined, { version: 1 }] })
  expect(await deleted).toMatchObject({ status: 'written', written: 1 })
  expect(await l2.load([a, b])).toMatchObject({ status: 'loaded', rows: [undefined, { version: 1 }] })
})

describe.each([
  ['function', redisUrl],
  ['script', () => asScriptUser(redisUrl())],
])('a level in Redis, by %s,', (_, url) => {
  it('keeps a value under fw:service:{chain}:pair for its TTL, a tenth more or less', async () => {
    const { l2, table, chain } = await bench(url())
    const ids = Array.from({ length: 50 }, (_, i) => table.register(chain, `0x${i}`))
    await l2.write(columnsOf(ids.map((pairId) => ({ pairId, version: 4_096 }))), 0, ids.length)
    const keys = (await raw.keys(`fw:default:{${chain}}:*`)).sort()
    expect(keys).toEqual(ids.map((_, i) => `fw:default:{${chain}}:0x${i}`).sort())
    const left = await Promise.all(keys.map((key) => raw.pttl(key)))
    expect(Math.min(...left)).toBeGreaterThan(TTL_MS * 0.85)
    expect(Math.max(...left)).toBeLessThanOrEqual(TTL_MS * 1.1)
    expect(new Set(left.map((ms) => Math.round(ms / 10_000))).size).toBeGreaterThan(5)
  })

  it('loads its functions or scripts again after Redis has forgotten them', async () => {
    const { l2, table, chain } = await bench(url())
    const pairId = table.register(chain, 'a')
    await l2.write(columnsOf([{ pairId, version: 1 }]), 0, 1)
    await raw.function('FLUSH', 'SYNC')
    await raw.script('FLUSH')
    expect(await l2.write(columnsOf([{ pairId, version: 2 }]), 0, 1)).toEqual(written(1))
    await raw.function('FLUSH', 'SYNC')
    await raw.script('FLUSH')
    expect(await l2.delete([{ pairId, version: 0 }])).toEqual(written(1))
  })

  it('reads bytes that are no value as nothing, and replaces them', async () => {
    const { l2, table, chain } = await bench(url())
    const ids = ['list', 'text', 'short'].map((pair) => table.register(chain, pair))
    await raw.rpush(`fw:default:{${chain}}:list`, 'x')
    await raw.set(`fw:default:{${chain}}:text`, 'not a value of ours')
    await raw.set(`fw:default:{${chain}}:short`, 'x')
    expect(await l2.load(ids)).toEqual(loaded(undefined, undefined, undefined))
    const columns = columnsOf(ids.map((pairId) => ({ pairId, version: 5 })))
    expect(await l2.write(columns, 0, 3)).toEqual(written(3))
    expect(await l2.load(ids)).toEqual({ status: 'loaded', rows: ids.map(() => cachedPrice({ version: 5 })) })
  })
})

describe('a level in Redis', () => {
  it('calls functions if it may, and leaves those of other releases in place', async () => {
    await raw.function(
      'LOAD',
      'REPLACE',
      "#!lua name=forewarm_v0\nredis.register_function('forewarm_v0_write', function() return 0 end)",
    )
    const { l2, table, chain } = await bench(redisUrl())
    await l2.write(columnsOf([{ pairId: table.register(chain, 'a'), version: 1 }]), 0, 1)
    const libraries = (await raw.function('LIST')) as string[][]
    expect(libraries.map((library) => library[1])).toEqual(expect.arrayContaining([LIBRARY_NAME, 'forewarm_v0']))
  })

  it('keeps the newer value of two writers, even if that has a schema that it does not know', async () => {
    const { l2, table, chain } = await bench(redisUrl())
    const pairId = table.register(chain, 'a')
    const newer = Buffer.alloc(40, 7)
    newer[0] = 3
    newer.writeDoubleLE(100, 1)
    await raw.set(`fw:default:{${chain}}:a`, newer)
    expect(await l2.write(columnsOf([{ pairId, version: 99 }]), 0, 1)).toEqual({
      status: 'written',
      written: 0,
      older: 1,
    })
    expect(await l2.load([pairId])).toEqual({ status: 'loaded', rows: [undefined] })
    expect(await raw.getBuffer(`fw:default:{${chain}}:a`)).toEqual(newer)
  })

  it('gives names with braces and per cent signs keys of their own', async () => {
    const { l2, table, chain } = await bench(redisUrl())
    const first = table.register(`${chain}}:b`, 'c')
    const second = table.register(chain, 'b}:c')
    const third = table.register(`${chain}%7D:b`, 'c')
    const ids = [first, second, third]
    await l2.write(columnsOf(ids.map((pairId, i) => ({ pairId, version: i + 1 }))), 0, 3)
    expect(await l2.load(ids)).toEqual({ status: 'loaded', rows: [1, 2, 3].map((version) => cachedPrice({ version })) })
  })

  it('gives names with line breaks, spaces and letters of any script keys of their own', async () => {
    const { l2, table, chain } = await bench(redisUrl())
    const names = ['a\r\nGET b', 'a\nb', ' a b ', 'ärger ⛓ 価格', '*', '{a}', '🜁'.repeat(60)]
    const ids = names.map((name, at) => table.register(at % 2 ? chain : `${chain}\n⛓`, name))
    await l2.write(columnsOf(ids.map((pairId, i) => ({ pairId, version: i + 1 }))), 0, ids.length)
    expect(await l2.load(ids)).toEqual({ status: 'loaded', rows: ids.map((_, i) => cachedPrice({ version: i + 1 })) })
    expect(await raw.exists(`fw:default:{${chain}\n⛓}:a\r\nGET b`)).toBe(1)
  })

  it('counts values that it could not read, by reason', async () => {
    const { l2, table, chain, metrics } = await bench(redisUrl())
    const [beyond, newer] = [Buffer.alloc(26), Buffer.alloc(26)]
    beyond[0] = 1
    beyond.writeDoubleLE(2 ** 53, 1)
    newer[0] = 3
    const values = [Buffer.alloc(0), Buffer.alloc(26), beyond, newer]
    const ids = values.map((_, at) => table.register(chain, `p${at}`))
    for (const [at, bytes] of values.entries()) await raw.set(`fw:default:{${chain}}:p${at}`, bytes)
    expect(await l2.load(ids)).toEqual({ status: 'loaded', rows: ids.map(() => undefined) })
    const counted = (reason: string) => metrics.counter('l2_undecodable_total', { reason }).value
    expect(['short', 'corrupt', 'newer-schema'].map(counted)).toEqual([1, 2, 1])
    // An impossible version must not keep real ones out for ever. That of a newer schema is compared like ours.
    const columns = columnsOf(ids.map((pairId) => ({ pairId, version: 1 })))
    expect(await l2.write(columns, 0, ids.length)).toEqual(written(ids.length))
  })

  it('asks Redis for a pair once, however many load it at the same time', async () => {
    const { l2, table, chain } = await bench(redisUrl())
    const [a, b] = [table.register(chain, 'a'), table.register(chain, 'b')]
    await l2.write(
      columnsOf([
        { pairId: a, version: 1 },
        { pairId: b, version: 2 },
      ]),
      0,
      2,
    )
    // Only commands with this chain count, because a level also asks for its clock and its library.
    const asked: string[][] = []
    const monitor = await raw.monitor()
    monitor.on('monitor', (_, command: string[]) => {
      if (command.some((part) => part.includes(chain))) asked.push(command)
    })
    const loads = await Promise.all([l2.load([a]), l2.load([a]), l2.load([a, b]), l2.load([b, a])])
    await raw.echo(chain)
    await until('all that was asked is told', () => asked.at(-1)?.[0] === 'echo')
    monitor.disconnect()
    const [one, two] = [cachedPrice({ version: 1 }), cachedPrice({ version: 2 })]
    expect(loads.map((load) => load.status === 'loaded' && load.rows)).toEqual([[one], [one], [one, two], [two, one]])
    const keyOf = (pair: string) => `fw:default:{${chain}}:${pair}`
    expect(asked).toEqual([
      ['mget', keyOf('a')],
      ['mget', keyOf('b')],
      ['echo', chain],
    ])
  })
})

it('a level in Redis tells what the server holds, once it was measured', async () => {
  const { l2, table, chain } = await bench(redisUrl())
  await l2.write(columnsOf([{ pairId: table.register(chain, 'measured'), version: 1 }]), 0, 1)
  expect(l2.usage).toBeUndefined()
  l2.measure?.()
  await until('it is measured', () => l2.usage !== undefined)
  expect(l2.usage?.entries).toBeGreaterThan(0)
  expect(l2.usage?.bytes).toBeGreaterThan(100_000)
})

it.each(['functions', 'scripts'])(
  'a value from a clock far ahead keeps out no true value and no deletion, by %s',
  async (way) => {
    const { l2, table, chain } = await bench(way === 'functions' ? redisUrl() : asScriptUser(redisUrl()))
    const [a, b] = ['a', 'b'].map((name) => table.register(chain, name)) as [number, number]
    const atMs = Date.now()
    const version = atMs * VERSIONS_PER_MS
    const ahead = (atMs + 3_600_000) * VERSIONS_PER_MS
    // What no node of ours writes: a foreign writer has.
    for (const pairId of [a, b]) {
      const packed = Buffer.alloc(MAX_VALUE_BYTES)
      const length = encodeValue(columnsOf([{ pairId, version: ahead }]), 0, packed, 0)
      await raw.set(`fw:default:{${chain}}:${table.pairName(pairId)}`, packed.subarray(0, length))
    }
    expect(await l2.write(columnsOf([{ pairId: a, version }]), 0, 1)).toEqual(written(1))
    expect(await l2.delete([{ pairId: b, version, upTo: version }])).toEqual(written(1))
    expect(await l2.write(columnsOf([{ pairId: b, version: version + 1 }]), 0, 1)).toEqual(written(1))
    expect(await l2.load([a, b])).toEqual(loaded(version, version + 1))
    // Within what an update may be ahead, the newer one wins.
    const nearly = (atMs + 30_000) * VERSIONS_PER_MS
    expect(await l2.write(columnsOf([{ pairId: a, version: nearly }]), 0, 1)).toEqual(written(1))
    expect(await l2.write(columnsOf([{ pairId: a, version }]), 0, 1)).toEqual({
      status: 'written',
      written: 0,
      older: 1,
    })
  },
)

it('a deletion is remembered for a year, if it is to be', async () => {
  const table = new PairTable({ maxPairs: 10 })
  const chain = uniqueName('chain')
  const yearMs = 31_536_000_000
  const l2 = await openLevel({ url: redisUrl(), table, ttlMs: yearMs, tombstoneTtlMs: yearMs, random: () => 0.5 })
  const [a, b] = ['a', 'b'].map((name) => table.register(chain, name)) as [number, number]
  await l2.delete([{ pairId: a, version: 1 }])
  await l2.write(columnsOf([{ pairId: b, version: 1 }]), 0, 1)
  for (const pair of ['a', 'b']) {
    const restMs = await raw.pttl(`fw:default:{${chain}}:${pair}`)
    expect([restMs > yearMs - 60_000, restMs <= yearMs]).toEqual([true, true])
  }
})
