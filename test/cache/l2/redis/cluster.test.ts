import { afterEach, describe, expect, it } from '@jest/globals'
import type { L2 } from '../../../../src/cache/l2/l2.ts'
import { createRedisL2 } from '../../../../src/cache/l2/redis/redis.ts'
import { redirectionOf, slotOfKey, slotRanges } from '../../../../src/cache/l2/redis/slot.ts'
import { PairTable } from '../../../../src/cache/names/pair-table.ts'
import { systemClock } from '../../../../src/clock.ts'
import { until } from '../../../harness/until.ts'
import { columnsOf } from '../columns.ts'
import { type Script, ScriptedRedis } from './scripted-redis.ts'

/** Enough time for an answer on a busy machine; every command is answered. */
const TIMEOUT_MS = 5_000
const LAST_SLOT = 16_383
const HALF = 8_192

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

const table = new PairTable({ maxPairs: 1_000 })
/** A pair whose chain is in the lower or the upper half of the slots. */
const [low, high] = [pairWhere((slot) => slot < HALF), pairWhere((slot) => slot >= HALF)]

function pairWhere(isThere: (slot: number) => boolean): number {
  for (let at = 0; ; at++)
    if (isThere(slotOfKey(`fw:default:{chain-${at}}:`))) return table.register(`chain-${at}`, 'a')
}

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}`
const portOf = (url: string) => new URL(url).port
const range = (from: number, to: number, url: string) =>
  `*3\r\n:${from}\r\n:${to}\r\n*2\r\n${bulk('127.0.0.1')}\r\n:${portOf(url)}`
/** The first has the lower half, the second the upper. */
const halves = ([first = '', second = '']: readonly string[]) =>
  `*2\r\n${range(0, HALF - 1, first)}\r\n${range(HALF, LAST_SLOT, second)}`

interface Answers {
  readonly slots: (urls: readonly string[]) => string
  readonly scripts: readonly Script[]
}

/** Servers that load the library like Redis 7 and answer CLUSTER SLOTS by `slots`; the scripts answer the rest. */
async function against({ slots, scripts }: Answers) {
  const servers: ScriptedRedis[] = []
  const urls: string[] = []
  for (const script of scripts) {
    const redis = new ScriptedRedis((name, args) => {
      if (name === 'CLUSTER') return slots(urls)
      return script(name, args) ?? (name === 'TIME' ? timeOf(0) : name === 'FUNCTION' ? bulk('lib') : undefined)
    })
    servers.push(redis)
    opened.push(redis)
    urls.push(await redis.listen())
  }
  const options = { table, clock: systemClock, random: Math.random, ttlMs: 60_000, commandTimeoutMs: TIMEOUT_MS }
  const l2 = createRedisL2({ ...options, url: urls })
  opened.push(l2)
  await l2.start()
  return { l2, servers, urls }
}

const isUp = (l2: L2) => until('the level is up', () => l2.state().status === 'up')
const timeOf = (seconds: number) => `*2\r\n${bulk(String(seconds))}\r\n${bulk('0')}`
const write = (l2: L2) => {
  const columns = columnsOf([low, high].map((pairId) => ({ pairId, version: 1 })))
  return l2.write(columns, 0, 2)
}

describe('a Redis Cluster level', () => {
  it('is connected to all masters when its start has ended', async () => {
    const { l2 } = await against({ slots: halves, scripts: [() => undefined, () => undefined] })
    expect(l2.state()).toEqual({ status: 'up' })
  })

  it('gives each master a deadline on that master’s own clock', async () => {
    const deadlinesMs: number[] = []
    const clockAt =
      (seconds: number): Script =>
      (name, args) => {
        if (name === 'TIME') return timeOf(seconds)
        if (name !== 'FCALL') return undefined
        deadlinesMs.push(Buffer.from(args.at(-1) ?? '', 'latin1').readDoubleLE(0))
        return ':1'
      }
    const { l2 } = await against({ slots: halves, scripts: [clockAt(1_000), clockAt(5_000)] })
    await isUp(l2)
    expect(await write(l2)).toEqual({ status: 'written', written: 2, older: 0 })
    const [first = 0, second = 0] = deadlinesMs.sort((a, b) => a - b)
    // The difference of the two clocks, give or take the time between two calls.
    expect(Math.round((second - first) / 60_000)).toBe(Math.round(4_000 / 60))
  })

  it('gives up when servers redirect it to each other for ever', async () => {
    let urls: readonly string[] = []
    const sendsTo =
      (other: number): Script =>
      (name, [key = '']) =>
        name === 'MGET' ? `-MOVED ${slotOfKey(key)} 127.0.0.1:${portOf(urls[other] ?? '')}` : undefined
    const cluster = await against({ slots: halves, scripts: [sendsTo(1), sendsTo(0)] })
    urls = cluster.urls
    await isUp(cluster.l2)
    expect(await cluster.l2.load([low])).toMatchObject({ reason: expect.stringMatching(/^MOVED/) })
    const asked = cluster.servers.flatMap(({ received }) => received).filter((name) => name === 'MGET')
    expect(asked.length).toBeLessThanOrEqual(6)
  })

  it('tells a reason when it is redirected to a server that is not there', async () => {
    const { l2 } = await against({
      slots: halves,
      scripts: [
        (name, [key = '']) => (name === 'MGET' ? `-ASK ${slotOfKey(key)} 127.0.0.1:1` : undefined),
        () => undefined,
      ],
    })
    await isUp(l2)
    expect(await l2.load([low])).toMatchObject({
      status: 'unavailable',
      reason: expect.stringMatching(/^not connected/),
    })
  })

  it.each([
    ['a server that is in no cluster', '-ERR This instance has cluster support disabled', /cluster support disabled/],
    ['a cluster that has no slots yet', '*0', /no server has told/],
    ['an answer that is none', '+OK', /no server has told/],
  ])('is unavailable with %s, and tells the reason', async (_, answer, reason) => {
    const { l2 } = await against({ slots: () => answer, scripts: [() => undefined] })
    await until('the reason is known', () => reason.test(JSON.stringify(l2.state())))
    expect(await l2.load([low])).toMatchObject({ status: 'unavailable', reason: expect.stringMatching(reason) })
    expect(await write(l2)).toMatchObject({ status: 'unavailable' })
    expect(await l2.delete([{ pairId: low, version: 0 }])).toMatchObject({ status: 'unavailable' })
  })

  it('is degraded while slots have no master, and only their chains are unavailable', async () => {
    let isWhole = false
    const { l2 } = await against({
      slots: (urls) => (isWhole ? halves(urls) : `*1\r\n${range(0, HALF - 1, urls[0] ?? '')}`),
      scripts: [0, 1].map(() => (name: string) => (name === 'MGET' ? '*1\r\n$-1' : undefined)),
    })
    await until('the gap is known', () => JSON.stringify(l2.state()).includes('slots without a master'))
    expect(await l2.load([low])).toEqual({ status: 'loaded', rows: [undefined] })
    expect(await l2.load([high])).toMatchObject({
      status: 'unavailable',
      reason: expect.stringMatching(/^CLUSTERDOWN/),
    })
    isWhole = true
    await isUp(l2)
    expect(await l2.load([low, high])).toEqual({ status: 'loaded', rows: [undefined, undefined] })
  })
})

describe('the slots of a cluster', () => {
  it('are read with their masters, also if a server leaves out its address or has an IPv6 one', () => {
    const reply = [
      [0, 99, ['', 7000, 'id'], ['10.0.0.9', 7001, 'replica']],
      [100, LAST_SLOT, ['fe80::1', 7002, 'id', []]],
    ]
    expect(slotRanges(reply, 'asked')).toEqual([
      { from: 0, to: 99, address: 'asked:7000' },
      { from: 100, to: LAST_SLOT, address: '[fe80::1]:7002' },
    ])
    expect(slotRanges([[0, 99, [null, 7000]]], 'asked')).toEqual([{ from: 0, to: 99, address: 'asked:7000' }])
  })

  it.each([[undefined], ['OK'], [[1]], [[[0, 1]]], [[['0', '1', ['a', 1]]]], [[[0, 1, ['a', 'b']]]]])(
    'cannot be read from %j',
    (reply) => expect(slotRanges(reply, 'asked')).toBeUndefined(),
  )

  it('are redirected by MOVED and ASK, and by nothing else', () => {
    expect(redirectionOf('MOVED 3999 127.0.0.1:6381', 'asked')).toEqual({
      kind: 'MOVED',
      slot: 3999,
      address: '127.0.0.1:6381',
    })
    expect(redirectionOf('ASK 1 fe80::1:6381', 'asked')).toEqual({ kind: 'ASK', slot: 1, address: '[fe80::1]:6381' })
    expect(redirectionOf('MOVED 1 :6381', 'asked')).toEqual({ kind: 'MOVED', slot: 1, address: 'asked:6381' })
    expect(redirectionOf('MOVED 16384 127.0.0.1:6381', 'asked')).toBeUndefined()
    expect(redirectionOf('TRYAGAIN Multiple keys request during rehashing of slot', 'asked')).toBeUndefined()
  })
})
