import { beforeEach, describe, expect, test } from '@jest/globals'
import { parseWarmRequest, type WarmRequest } from '../../schemas/warm-request.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import { MinedEdges } from '../../src/correlation/mined/mined-edges.ts'
import { Miner } from '../../src/correlation/mined/miner.ts'
import { Tracker } from '../../src/correlation/tracker.ts'
import { threshold, topN } from '../../src/strategy/strategy.ts'
import { Triggers, type TriggersOptions } from '../../src/warming/triggers.ts'
import { cachedPrice } from '../cache/l2/columns.ts'

const T0 = 1_783_715_268_000
const MINUTE_MS = 60_000
const MAX_PAIRS = 100

let clock: VirtualClock
let table: PairTable
let mined: MinedEdges
let tracker: Tracker
let published: WarmRequest[]
let options: TriggersOptions
let triggers: Triggers

beforeEach(() => {
  clock = virtualClock(T0)
  table = new PairTable({ maxPairs: MAX_PAIRS })
  mined = new MinedEdges({ maxPairs: MAX_PAIRS, entries: 65_536 })
  tracker = new Tracker({ maxPairs: MAX_PAIRS, mined })
  published = []
  options = {
    ...{ tracker, table, clock, l1: new L1({ slots: 10, maxPairs: MAX_PAIRS }), nodeId: 'node-1' },
    strategy: threshold({ minScore: 0.2, maxPairs: 8 }, 'forewarm'),
    publish: (request) => published.push(request),
  }
  triggers = new Triggers(options)
})

function id(pair: string): number {
  return table.register('ethereum', pair)
}

/** A minute in which `a` is updated every second and another event follows `lagMs` later. */
function follow(lagMs: number, happens: (atMs: number) => void): void {
  for (let atMs = T0; atMs <= T0 + MINUTE_MS; atMs += 1000) {
    tracker.observe(id('a'), atMs, 0)
    happens(atMs + lagMs)
  }
  const { memory } = mined
  const stretch = mined.takeStretch()
  if (memory !== undefined && stretch !== undefined) new Miner(memory).mine(stretch)
  clock.advanceTo(T0 + MINUTE_MS)
}

/** Somebody's handler reads the pair. */
function read(pair: string): void {
  tracker.read(id('somebody'), id(pair), 0)
}

describe('an update that others follow by statistics', () => {
  test('requests the follower that is read here, when it is due, and says why', () => {
    read('b')
    follow(60, (atMs) => tracker.observe(id('b'), atMs, 0))
    triggers.onUpdate(id('a'), clock.now())
    const [request] = published
    expect(request).toMatchObject({ pairs: ['b'], triggerPair: 'a' })
    expect(request?.reason).toMatch(
      /; updated \d+ ms after 60 of 60 updates, [\d.]+ times as often as otherwise, last \d s ago$/,
    )
    expect((request?.notBeforeMs ?? 0) - clock.now()).toBeGreaterThan(20)
    expect((request?.notBeforeMs ?? 0) - clock.now()).toBeLessThan(50)
    expect(parseWarmRequest(Buffer.from(JSON.stringify(request)))).toMatchObject({ ok: true })
  })

  test('requests a pair whose reads missed some time after it, whoever read it', () => {
    read('b')
    follow(60, (atMs) => tracker.missed(id('b'), 0, atMs))
    triggers.onUpdate(id('a'), clock.now())
    expect(published).toMatchObject([{ pairs: ['b'], reason: expect.stringContaining('; missed ') }])
  })

  test('requests no pair that nobody reads', () => {
    read('c')
    follow(60, (atMs) => tracker.observe(id('b'), atMs, 0))
    triggers.onUpdate(id('a'), clock.now())
    expect(published).toEqual([])
  })

  test('requests no pair that follows too soon for a warm, though the pair is known', () => {
    read('b')
    follow(0, (atMs) => tracker.observe(id('b'), atMs, 0))
    triggers.onUpdate(id('a'), clock.now())
    expect(published).toEqual([])
    expect(tracker.getPairsToWarm(id('a'), { nowMs: clock.now(), limit: 5, minScore: 0.3 })).toMatchObject([
      { pairId: id('b'), lagMs: 2.5 },
    ])
  })

  test('requests a pair once whose reads are attributed to it too', () => {
    tracker.read(id('a'), id('b'), 100)
    follow(60, (atMs) => tracker.observe(id('b'), atMs, 0))
    triggers.onUpdate(id('a'), clock.now())
    expect(published.map(({ pairs, reason }) => ({ pairs, reason }))).toEqual([
      { pairs: ['b'], reason: 'read after at least 20 % of updates' },
    ])
  })

  describe('with known reads too', () => {
    /** Pair b comes after nearly all updates, and c was read after one of them. */
    beforeEach(() => {
      read('b')
      tracker.read(id('a'), id('c'), 100)
      follow(60, (atMs) => tracker.observe(id('b'), atMs, 0))
    })

    /** Whether followers may be requested, and the share of their recent warms that was read. */
    function ask(isAllowed: boolean, accuracy: number): void {
      const known = { allows: () => true, accuracy: 1 }
      const prediction = { allows: () => isAllowed, accuracy }
      const strategy = topN({ maxPairs: isAllowed ? 1 : 8, minScore: 0.2 })
      triggers = new Triggers({ ...options, strategy, throttles: { correlation: known, prediction } })
      triggers.onUpdate(id('a'), clock.now())
    }

    test('makes a request of its own for the followers, under which their warms are counted', () => {
      triggers.onUpdate(id('a'), clock.now())
      expect(published).toMatchObject([
        { pairs: ['c'], origin: 'correlation' },
        { pairs: ['b'], origin: 'prediction' },
      ])
    })

    test('requests the known reads alone while the followers are throttled', () => {
      ask(false, 0)
      expect(published).toMatchObject([{ pairs: ['c'], origin: 'correlation' }])
    })

    test('ranks the followers first while their warms are read, and last while few are', () => {
      ask(true, 1)
      expect(published).toMatchObject([{ pairs: ['b'] }])
      published.length = 0
      ask(true, 0.3)
      expect(published).toMatchObject([{ pairs: ['c'] }])
    })
  })

  test('counts a read once that is expected for both reasons, so that a resident pair is not requested', () => {
    const l1 = new L1({ slots: 50, maxPairs: MAX_PAIRS })
    for (let other = 0; other < 51; other++) l1.fill(99 - other, cachedPrice({ version: 1 }))
    triggers = new Triggers({ ...options, l1 })
    for (const pair of ['b', 'c', 'd', 'e']) tracker.read(id('a'), id(pair), 100)
    follow(60, (atMs) => {
      for (const pair of ['b', 'c', 'd']) tracker.observe(id(pair), atMs, 0)
    })
    triggers.onUpdate(id('a'), clock.now())
    for (const pair of ['b', 'c', 'd', 'e']) l1.promote(id(pair), cachedPrice({ version: 1 }))
    published.length = 0
    // Three reads come between two reads of e, fewer than the five that the shortest queue of 50 slots holds.
    for (let update = 1; update < 5; update++) triggers.onUpdate(id('a'), clock.now() + update)
    expect([l1.usage.evictions > 0, published]).toEqual([true, []])
  })
})
