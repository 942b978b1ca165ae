import { beforeEach, describe, expect, test } from '@jest/globals'
import { parseWarmRequest, type WarmRequest } from '../../schemas/warm-request.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import { Tracker } from '../../src/correlation/tracker.ts'
import { type Strategy, threshold, topN } from '../../src/strategy/strategy.ts'
import { Triggers } from '../../src/warming/triggers.ts'
import { cachedPrice } from '../cache/l2/columns.ts'

const T0 = 1_783_715_268_000

let clock: VirtualClock
let table: PairTable
let tracker: Tracker
let l1: L1
let published: WarmRequest[]
let lagsMs: number[]
let triggers: Triggers

interface Settings {
  readonly takesMs?: () => number
  readonly warmMs?: number
  readonly strategy?: Strategy
}

function newTriggers(options: Settings = {}): Triggers {
  return new Triggers({
    ...{ tracker, table, l1, clock },
    strategy: threshold({ minScore: 0.2, maxPairs: 8 }, 'forewarm'),
    ...options,
    nodeId: 'node-1',
    publish: (request, lagMs) => {
      published.push(request)
      lagsMs.push(lagMs)
    },
  })
}

beforeEach(() => {
  clock = virtualClock(T0)
  table = new PairTable({ maxPairs: 3000 })
  tracker = new Tracker({ maxPairs: 3000 })
  l1 = new L1({ slots: 10, maxPairs: 3000 })
  published = []
  lagsMs = []
  triggers = newTriggers()
})

function id(pair: string, chain = 'ethereum'): number {
  return table.register(chain, pair)
}

/** The handler of `trigger` reads the pair `lagMs` after its update, so many updates in a row. */
function learn(trigger: string, pair: string, options: { lagMs: number; times?: number; chain?: string }): void {
  for (let i = 0; i < (options.times ?? 1); i++) {
    const edge = tracker.read(id(trigger), id(pair, options.chain), options.lagMs)
    tracker.settle(id(trigger), 1 << edge)
  }
}

function update(pair: string): void {
  triggers.onUpdate(id(pair), clock.now())
}

describe('an update with known reads', () => {
  test('makes a request for each time of reads, so that nothing is warmed too early', () => {
    learn('a', 'late', { lagMs: 900 })
    learn('a', 'soon', { lagMs: 100 })
    learn('a', 'next', { lagMs: 110 })
    update('a')
    expect(published.map(({ pairs, notBeforeMs }) => ({ pairs, afterMs: (notBeforeMs ?? 0) - T0 }))).toEqual([
      { pairs: ['soon', 'next'], afterMs: 80 },
      { pairs: ['late'], afterMs: 880 },
    ])
  })

  test('requests pairs together that are read within the time of a warm, and later ones apart', () => {
    for (const [pair, lagMs] of [
      ['first', 100],
      ['second', 115],
      ['third', 130],
    ] as const)
      learn('a', pair, { lagMs })
    update('a')
    expect(published.map(({ pairs, expiresAtMs }) => ({ pairs, afterMs: (expiresAtMs ?? 0) - T0 }))).toEqual([
      { pairs: ['first', 'second'], afterMs: 1_115 },
      { pairs: ['third'], afterMs: 1_130 },
    ])
  })

  test('goes on with the strategy that the last choice named', () => {
    const later = topN({ maxPairs: 1, minScore: 0 }, 'later')
    const first: Strategy = { name: 'first', select: () => ({ selected: [], reason: '', next: later }) }
    triggers = newTriggers({ strategy: first })
    learn('a', 'b', { lagMs: 100 })
    update('a')
    update('a')
    expect(published.map(({ strategy }) => strategy)).toEqual(['later'])
  })

  test('goes on with the strategy that was set meanwhile', () => {
    learn('a', 'b', { lagMs: 100 })
    triggers.choose(topN({ maxPairs: 1, minScore: 1 }, 'set'))
    update('a')
    expect(published).toEqual([])
    triggers.choose(topN({ maxPairs: 1, minScore: 0 }, 'set again'))
    update('a')
    expect(published.map(({ strategy }) => strategy)).toEqual(['set again'])
  })

  test('tells how far away its first read is, which decides whether the request goes through the topic', () => {
    triggers = newTriggers({ warmMs: 3 })
    for (const [pair, lagMs] of [
      ['too soon', 2],
      ['soon', 5],
      ['next', 20],
      ['late', 50],
    ] as const)
      learn('a', pair, { lagMs })
    update('a')
    expect(published.map(({ pairs }, at) => ({ pairs, lagMs: lagsMs[at] }))).toEqual([
      { pairs: ['soon', 'next'], lagMs: 5 },
      { pairs: ['late'], lagMs: 50 },
    ])
  })

  test('requests reads that a shorter warm is in time for, as late as it can', () => {
    triggers = newTriggers({ warmMs: 5, takesMs: () => 2 })
    learn('a', 'b', { lagMs: 10 })
    update('a')
    expect(published).toMatchObject([{ pairs: ['b'], notBeforeMs: T0 + 8 }])
  })

  test('requests a read some time after it, held until a warm is just in time and expiring after the read', () => {
    learn('a', 'b', { lagMs: 100 })
    update('a')
    expect(published).toEqual([
      {
        v: 1,
        requestId: 'node-1-1',
        chain: 'ethereum',
        pairs: ['b'],
        origin: 'correlation',
        strategy: 'forewarm',
        triggerPair: 'a',
        priority: 'medium',
        reason: 'read after at least 20 % of updates',
        scores: [0.5625],
        issuedAtMs: T0,
        notBeforeMs: T0 + 80,
        expiresAtMs: T0 + 1100,
      },
    ])
  })

  test('makes a request that a reader of the topic takes', () => {
    learn('a', 'b', { lagMs: 100 })
    learn('a', 'c', { lagMs: 40 })
    update('a')
    const [request] = published
    expect(parseWarmRequest(Buffer.from(JSON.stringify(request)))).toMatchObject({ ok: true, value: request })
  })

  test('requests a pair that is read nearly always with high priority', () => {
    learn('a', 'b', { lagMs: 100, times: 20 })
    update('a')
    expect(published[0]?.priority).toBe('high')
  })

  test('requests no pair that is read too soon for a warm', () => {
    learn('a', 'b', { lagMs: 19 })
    update('a')
    expect(published).toEqual([])
    learn('a', 'c', { lagMs: 20 })
    update('a')
    expect(published).toMatchObject([{ pairs: ['c'], notBeforeMs: T0 }])
  })

  test('requests no pair that is in L1, of another chain, or not chosen by the strategy', () => {
    learn('a', 'resident', { lagMs: 100 })
    l1.fill(id('resident'), cachedPrice({ version: 1 }))
    learn('a', 'elsewhere', { lagMs: 100, chain: 'base' })
    learn('a', 'seldom', { lagMs: 100 })
    for (let i = 0; i < 9; i++) tracker.settle(id('a'), 0)
    update('a')
    expect(published).toEqual([])
  })

  test('makes no request if nothing is read after its pair', () => {
    update('a')
    learn('b', 'c', { lagMs: 100 })
    update('a')
    expect(published).toEqual([])
  })

  test('gives each of its requests an id', () => {
    learn('a', 'b', { lagMs: 100 })
    learn('c', 'd', { lagMs: 100 })
    for (const pair of ['a', 'c']) update(pair)
    expect(published.map(({ requestId }) => requestId)).toEqual(['node-1-1', 'node-1-2'])
  })
})

describe('a pair that was requested', () => {
  test('is not requested again for reads that the same warm serves, whichever the update', () => {
    learn('a', 'b', { lagMs: 100 })
    learn('c', 'b', { lagMs: 30 })
    update('a')
    clock.advanceTo(T0 + 49)
    update('a')
    update('c')
    expect(published).toHaveLength(1)
    clock.advanceTo(T0 + 50)
    update('a')
    expect(published.map(({ notBeforeMs }) => notBeforeMs)).toEqual([T0 + 80, T0 + 130])
  })

  test('is requested again if so many other reads come between that it will be evicted', () => {
    learn('a', 'b', { lagMs: 100 })
    learn('c', 'd', { lagMs: 100 })
    for (const pair of ['a', 'c', 'a']) update(pair)
    expect(published.map(({ pairs }) => pairs)).toEqual([['b'], ['d'], ['b']])
  })

  test('is requested although it is in L1 if it will be evicted before its read, and only then', () => {
    for (let i = 0; i < 11; i++) l1.fill(id(`pushed-${i}`), cachedPrice({ version: 1 }))
    learn('a', 'b', { lagMs: 100 })
    learn('c', 'd', { lagMs: 100 })
    l1.fill(id('b'), cachedPrice({ version: 1 }))
    for (const pair of ['a', 'a', 'c', 'a']) update(pair)
    expect(published.map(({ pairs }) => pairs)).toEqual([['d'], ['b']])
  })

  test('is not requested while it is in an L1 that never had to evict', () => {
    learn('a', 'b', { lagMs: 100 })
    learn('c', 'd', { lagMs: 100 })
    l1.fill(id('b'), cachedPrice({ version: 1 }))
    for (const pair of ['a', 'c', 'a']) update(pair)
    expect(published.map(({ pairs }) => pairs)).toEqual([['d']])
  })

  test('ranks after pairs that are missing from L1 if only the best are requested', () => {
    triggers = newTriggers({ strategy: topN({ maxPairs: 1, minScore: 0.2 }) })
    for (let i = 0; i < 11; i++) l1.fill(id(`pushed-${i}`), cachedPrice({ version: 1 }))
    for (const pair of ['b', 'c']) tracker.read(id('a'), id(pair), 100)
    l1.fill(id('b'), cachedPrice({ version: 1 }))
    for (let i = 0; i < 2; i++) update('a')
    expect(published.map(({ pairs }) => pairs)).toEqual([['c'], ['c']])
  })

  test('is remembered whatever its pair id', () => {
    for (let i = 0; i < 2500; i++) id(`filler-${i}`)
    learn('a', 'b', { lagMs: 100 })
    for (let i = 0; i < 3; i++) update('a')
    expect(published).toHaveLength(1)
  })
})
