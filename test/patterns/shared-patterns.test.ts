import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { SAVE_MS } from '../../src/patterns/pattern-store.ts'
import { CLOSE_MS, RETRY_MS, SOON_MS } from '../../src/patterns/shared-patterns.ts'
import { shareOf } from '../../src/patterns/shares.ts'
import { until } from '../harness/until.ts'
import type { MemoryHashes } from './memory-hashes.ts'
import { HOUR_MS, NOON_MS, SharedStage, TODAY } from './shared-stage.ts'

let stage: SharedStage
let redis: MemoryHashes
let node: SharedStage['node']
let lived: SharedStage['lived']

beforeEach(() => {
  stage = new SharedStage()
  redis = stage.redis
  node = stage.node.bind(stage)
  lived = stage.lived.bind(stage)
})
afterEach(() => stage.close())

describe('patterns that nodes share', () => {
  test('are the sum of what all have read, as soon as a node has started', async () => {
    await lived({ A: 3, B: 1 })
    await lived({ A: 2 })
    const next = await node()
    expect([next.known('A'), next.known('B')]).toEqual([5, 1])
    expect(next.predictor.recommendations(NOON_MS, { lookAheadHours: 1, limit: 1 })).toMatchObject([
      { kind: 'popular' },
    ])
    expect(next.loads()).toBe(1)
  })

  test('count the reads of a node once, however often it is restarted and saves', async () => {
    for (let start = 0; start < 4; start++) await lived({ A: 2 })
    const last = await node()
    last.read('A')
    for (let round = 0; round < 3; round++) {
      const writes = redis.writes
      last.read('A')
      await last.round(SAVE_MS, () => redis.writes > writes)
    }
    expect(last.known('A')).toBe(12)
    await last.store.close()
    expect((await node({ clock: last.clock })).known('A')).toBe(12)
  })

  test('reach a running node a minute after its start, and then every 15 minutes', async () => {
    const one = await node()
    const other = await node()
    one.read('A', 2)
    other.read('A')
    await one.round(SOON_MS, () => redis.writes === 1)
    await other.round(SOON_MS, () => other.known('A') === 3)
    one.read('A', 4)
    await one.round(SAVE_MS, () => redis.writes === 3)
    await other.round(SAVE_MS, () => other.known('A') === 7)
  })

  test('keep a day until its hours are older than the history, whoever wrote it', async () => {
    await lived({ A: 1 }, NOON_MS - 8 * 24 * HOUR_MS)
    await lived({ A: 1 }, NOON_MS - 7 * 24 * HOUR_MS + HOUR_MS)
    expect(redis.untilMs.get(TODAY - 7)).toBe((TODAY - 6) * 24 * HOUR_MS + (168 + 24) * HOUR_MS)
    expect((await node()).known('A')).toBe(1)
  })

  test('are stored for yesterday, too, when a node saves first after midnight', async () => {
    const clock = virtualClock((TODAY + 1) * 24 * HOUR_MS - 1)
    const one = await node({ clock })
    one.read('A', 2)
    await one.timer.advance(1)
    one.read('A')
    await one.round(SOON_MS, () => redis.writes === 2)
    expect([redis.entries(TODAY, 'A'), redis.entries(TODAY + 1, 'A')]).toEqual([
      [expect.any(String)],
      [expect.any(String)],
    ])
    expect((await node({ clock })).known('A')).toBe(3)
  })

  test('are given up for pairs beyond those that a node remembers, which is told', async () => {
    await lived({ A: 1, B: 1, C: 1 })
    const small = await node({ maxPairs: 2 })
    expect(small.lines).toContain('there was no room for pairs of the shared patterns')
  })

  test('do not bring back the reads of a pair whose id went to another pair while they were read', async () => {
    await lived({ A: 3 })
    await lived({ A: 2 })
    const next = stage.made()
    const [first] = redis.entries(TODAY, 'A')
    redis.onRead = (entry) => {
      if (entry !== first) next.store.forget(next.table.find('ethereum', 'A'))
    }
    await next.start()
    expect(next.known('A')).toBe(2)
  })
})

describe('shared patterns that cannot be reached', () => {
  test('do not keep a node from starting, which says so once, tries again, and adds what it has read since', async () => {
    await lived({ A: 5 })
    redis.away = 'ECONNREFUSED'
    const next = stage.made()
    await next.store.start()
    await until('it is told', () => next.store.trouble === 'not read yet: ECONNREFUSED')
    next.read('A')
    for (let round = 0; round < 3; round++) await next.timer.advance(RETRY_MS)
    expect(next.lines).toEqual(['the shared patterns cannot be reached: trying again'])
    expect(next.store.failedSaves).toBeGreaterThan(0)
    redis.away = undefined
    await next.timer.advance(RETRY_MS)
    await until('they are read', () => next.known('A') === 6)
    await until('that is told', () => next.store.trouble === undefined)
    expect(next.lines.at(-1)).toBe('the shared patterns can be reached again')
    expect(next.store.unsaved).toBeUndefined()
    expect((await node()).known('A')).toBe(6)
  })

  test('by writes are read all the same, and what could not be stored is told and stored later', async () => {
    await lived({ A: 5 })
    redis.mostWrites = redis.writes
    const next = await node()
    next.read('A')
    await next.round(SOON_MS, () => next.store.trouble === 'NOPERM hset')
    expect([next.known('A'), next.store.failedSaves]).toEqual([6, 1])
    redis.mostWrites = Number.POSITIVE_INFINITY
    await next.round(SOON_MS, () => next.store.trouble === undefined)
    expect((await node()).known('A')).toBe(6)
  })

  test('at the end are told by a failed save, unless nothing was read', async () => {
    const [reader, idle] = [await node(), await node()]
    reader.read('A')
    redis.away = 'gone'
    await Promise.all([reader.store.close(), idle.store.close()])
    expect(reader.store.unsaved).toMatchObject({ code: 'patterns-not-saved', message: expect.stringContaining('gone') })
    expect([idle.store.unsaved, idle.store.failedSaves]).toEqual([undefined, 0])
  })

  test('do not hold up a close that Redis does not answer for longer than five seconds', async () => {
    const one = await node()
    one.read('A')
    redis.isSilent = true
    const closing = one.store.close()
    await one.timer.advance(CLOSE_MS)
    await closing
    expect(one.store.unsaved?.message).toContain(`no answer within ${CLOSE_MS} ms`)
  })

  test('are closed twice like once', async () => {
    const one = await node()
    one.read('A')
    await one.store.close()
    const { opened: connections } = redis
    await one.store.close()
    expect(redis.opened).toBe(connections)
  })
})

describe('patterns that are imported into a node', () => {
  const hour = Math.floor(NOON_MS / HOUR_MS)
  const document = (reads: number, hours = 30) => ({
    ...{ kind: 'forewarm-patterns', version: 1, firstHour: hour - hours, lastHour: hour },
    pairs: [{ chain: 'ethereum', pair: 'A', reads: [[0, reads]] }] as const,
  })

  test('are shared, and count once on all nodes however often they are imported and stored', async () => {
    const one = await node()
    expect(one.import(document(7))).toEqual({ refused: 0 })
    one.read('A', 2)
    await one.round(SOON_MS, () => redis.writes > 1)
    expect(one.import(document(7))).toEqual({ refused: 0 })
    expect(one.known('A')).toBe(9)
    for (let round = 0; round < 3; round++) await one.timer.advance(SAVE_MS)
    await one.store.close()
    const next = await node()
    expect([one.known('A'), next.known('A')]).toEqual([9, 9])
    next.import(document(7))
    next.import(document(8))
    await next.store.close()
    expect((await node()).known('A')).toBe(10)
  })

  test('wait for Redis if it is away', async () => {
    const one = await node()
    redis.away = 'gone'
    one.import(document(7, 100))
    await one.timer.advance(SOON_MS)
    one.import(document(9, 100))
    redis.away = undefined
    await one.round(SOON_MS, () => redis.writes > 0)
    await one.store.close()
    expect((await node()).known('A')).toBe(9)
  })

  test('count once while some of their days are stored and others are not', async () => {
    const one = await node()
    const { pairs, ...hours } = document(7)
    one.import({ ...hours, pairs: [{ chain: 'ethereum', pair: 'A', reads: [...pairs[0].reads, [30, 2]] }] })
    redis.mostWrites = 1
    await one.round(SOON_MS, () => one.store.trouble !== undefined)
    redis.mostWrites = 2
    await lived({ A: 1 })
    expect(one.known('A')).toBe(9)
    await one.round(SOON_MS, () => one.known('A') === 10)
    expect(one.store.trouble).toBe('NOPERM hset')
    redis.mostWrites = Number.POSITIVE_INFINITY
    await one.round(SOON_MS, () => one.store.trouble === undefined)
    expect([one.known('A'), (await node()).known('A')]).toEqual([10, 10])
  })

  test('count once if a share of a day is merged while the others cannot be stored', async () => {
    const one = await node()
    const { pairs, ...hours } = document(7, 3)
    const names = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']
    one.import({ ...hours, pairs: names.map((pair) => ({ ...pairs[0], pair })) })
    redis.mostWrites = 1
    await one.round(SOON_MS, () => one.store.trouble !== undefined)
    const first = names.find((pair) => redis.entries(TODAY, pair).length > 0) ?? ''
    const [entry = ''] = redis.entries(TODAY, first)
    const part = { day: TODAY, share: shareOf({ chain: 'ethereum', pair: first }) }
    const value = redis.of(TODAY, first).get(entry) ?? Buffer.alloc(0)
    redis.merge(part, { from: [entry], to: 'merged', value, untilMs: NOON_MS + 24 * HOUR_MS })
    redis.mostWrites = Number.POSITIVE_INFINITY
    await one.round(SOON_MS, () => one.store.trouble === undefined)
    const next = await node()
    expect(names.map((pair) => next.known(pair))).toEqual(names.map(() => 7))
  })

  test('count once if they were stored and the reply was lost', async () => {
    const one = await node()
    one.import(document(7, 3))
    redis.losesReplies = true
    await one.round(SOON_MS, () => one.store.trouble === 'timeout')
    redis.losesReplies = false
    await one.round(SOON_MS, () => one.store.trouble === undefined)
    expect([one.known('A'), (await node()).known('A')]).toEqual([7, 7])
  })

  test('are what a node exports of the sum of all', async () => {
    await lived({ A: 3 })
    await lived({ A: 4 })
    const { pairs } = (await node()).predictor.exportPatterns()
    expect(pairs).toEqual([{ chain: 'ethereum', pair: 'A', reads: [[0, 7]] }])
  })
})
