import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import { PairTable } from '../../src/cache/pair-table.ts'
import type { Promoted, PromoteOptions, PromotionOutcome } from '../../src/cache/promotion.ts'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import { createMetrics, type MetricSlab } from '../../src/telemetry/metrics.ts'
import { createWarmer, type Warmer, type WarmerOptions } from '../../src/warming/warmer.ts'
import { ManualTimer, settled } from '../harness/manual-timer.ts'

const NOW_MS = 1_700_000_000_000
let made = 0

function request(fields: Partial<WarmRequest> = {}): WarmRequest {
  return {
    v: 1,
    requestId: `r-${++made}`,
    chain: 'ethereum',
    pairs: ['a'],
    origin: 'correlation',
    priority: 'medium',
    issuedAtMs: NOW_MS,
    ...fields,
  }
}

/** Promotions as the warmer asks for them; the test lets them end. */
class Promotions {
  readonly asked: { readonly pairIds: readonly number[]; readonly options: PromoteOptions }[] = []
  readonly outcomes = new Map<number, PromotionOutcome>()
  timedOut = false
  error: Error | undefined
  held: (() => void)[] | undefined

  async promote(pairIds: readonly number[], options: PromoteOptions = {}): Promise<Promoted> {
    this.asked.push({ pairIds, options })
    if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve))
    if (this.error !== undefined) throw this.error
    const outcomes = pairIds.map((pairId) => this.outcomes.get(pairId) ?? 'warmed')
    return { outcomes, timedOut: this.timedOut, unavailable: undefined }
  }

  get pairs(): readonly (readonly number[])[] {
    return this.asked.map(({ pairIds }) => pairIds)
  }
}

let clock: VirtualClock
let timer: ManualTimer
let table: PairTable
let metrics: MetricSlab
let promotions: Promotions
let warmer: Warmer

function open(options: Partial<WarmerOptions> = {}): Warmer {
  const isInterested = (chain: string, pair: string) => chain === 'ethereum' || pair === 'watched'
  const fixed = { nodeId: 'node-1', table, clock, metrics, timer: timer.start, promotion: promotions, isInterested }
  return createWarmer({ ...fixed, ...options })
}

beforeEach(() => {
  clock = virtualClock(NOW_MS)
  timer = new ManualTimer(clock)
  table = new PairTable({ maxPairs: 2_000 })
  metrics = createMetrics()
  promotions = new Promotions()
  warmer = open()
})
afterEach(async () => {
  for (const release of promotions.held?.splice(0) ?? []) release()
  promotions.held = undefined
  await warmer.close()
})

const id = (pair: string, chain = 'ethereum') => table.find(chain, pair)
const refused = (reason: string, chain = 'ethereum') =>
  metrics.counter('warm_requests_refused_total', { chain, reason }).value

describe('warmer: what it takes', () => {
  it('warms what it is asked for and reports it', async () => {
    table.register('ethereum', 'a')
    promotions.outcomes.set(id('a'), 'alreadyInL1')
    expect(await warmer.submit(request({ requestId: 'x', pairs: ['a', 'b'] }))).toEqual({
      v: 1,
      requestId: 'x',
      node: 'node-1',
      status: 'done',
      warmed: 1,
      alreadyInL1: 1,
      notFound: 0,
      refusedOlder: 0,
      notInterested: 0,
      durationMs: expect.any(Number),
      atMs: NOW_MS,
    })
  })

  it('learns from warms how long one takes, and not from requests for what was there', async () => {
    const beforeMs = warmer.typicalMs
    table.register('ethereum', 'a')
    promotions.outcomes.set(id('a'), 'alreadyInL1')
    for (let i = 0; i < 100; i++) await warmer.submit(request())
    expect(warmer.typicalMs).toBe(beforeMs)
    for (let i = 0; i < 100; i++) await warmer.submit(request({ pairs: ['a', 'b'] }))
    expect(warmer.typicalMs).toBeLessThan(beforeMs)
  })

  it('counts by how much later than due it was begun to what a warm takes', async () => {
    const beforeMs = warmer.typicalMs
    for (let i = 0; i < 100; i++) {
      const result = warmer.submit(request({ notBeforeMs: clock.now() + 10 }))
      await settled()
      // The timer would have told at 10 ms; the thread had other things to do.
      clock.advanceTo(clock.now() + 10 + 2 * beforeMs)
      warmer.releaseDue()
      await result
    }
    expect(warmer.typicalMs).toBeGreaterThan(1.9 * beforeMs)
  })

  it('keeps silent about requests that are none of its business', async () => {
    expect(await warmer.submit(request({ chain: 'base' }))).toBeUndefined()
    expect(await warmer.submit(request({ origin: 'replay' }))).toBeUndefined()
    expect(promotions.asked).toEqual([])
    expect(warmer.stats().refused).toEqual({ 'not-interested': 1, replay: 1 })
    expect([refused('not-interested', 'base'), refused('replay')]).toEqual([1, 1])
  })

  it('gives no id to a pair that is of no interest', async () => {
    await warmer.submit(request({ chain: 'base', pairs: ['x', 'y'] }))
    expect(table.size).toBe(0)
  })

  it('warms the pairs of interest alone', async () => {
    const result = await warmer.submit(request({ chain: 'base', pairs: ['x', 'watched'], origin: 'manual' }))
    expect(promotions.pairs).toEqual([[id('watched', 'base')]])
    expect(result).toMatchObject({ status: 'done', warmed: 1, notInterested: 1 })
    expect(result?.outcomes).toEqual({ x: 'notInterested', watched: 'warmed' })
  })

  it('serves a request id once', async () => {
    const once = request()
    expect(await warmer.submit(once)).toMatchObject({ status: 'done' })
    expect(await warmer.submit(once)).toBeUndefined()
    expect(promotions.asked).toHaveLength(1)
    expect(warmer.stats().refused).toEqual({ duplicate: 1 })
  })

  it('serves replays where it is told to', async () => {
    const own = open({ acceptReplays: true })
    expect(await own.submit(request({ origin: 'replay' }))).toMatchObject({ status: 'done' })
    await own.close()
  })

  it('refuses what has expired, will have expired when it is due, or is due too far ahead', async () => {
    const dead = [
      request({ expiresAtMs: NOW_MS }),
      request({ notBeforeMs: NOW_MS + 20, expiresAtMs: NOW_MS + 20 }),
      request({ notBeforeMs: NOW_MS + 600_001 }),
    ]
    for (const each of dead) expect(await warmer.submit(each)).toMatchObject({ status: 'refused', warmed: 0 })
    expect(warmer.stats().refused).toEqual({ expired: 2, 'too-far-ahead': 1 })
    expect(promotions.asked).toEqual([])
  })

  it('has no room for a pair that the table has no id for', async () => {
    table = new PairTable({ maxPairs: 1 })
    const own = open()
    expect(await own.submit(request({ pairs: ['a', 'b'], origin: 'manual' }))).toMatchObject({
      status: 'partial',
      warmed: 1,
      outcomes: { a: 'warmed', b: 'noRoom' },
    })
    await own.close()
  })

  it('looks only, on a dry run', async () => {
    expect(await warmer.submit(request({ dryRun: true }))).toMatchObject({ status: 'shadow', warmed: 1 })
    expect(promotions.asked[0]?.options.dryRun).toBe(true)
    expect(warmer.stats()).toMatchObject({ pairsWarmed: 0, byStatus: { shadow: 1, done: 0 } })
  })

  it('warms by hand what it is not interested in, too', async () => {
    expect(await warmer.warmPairs('base', ['x'])).toMatchObject({
      status: 'done',
      warmed: 1,
      outcomes: { x: 'warmed' },
    })
  })
})

describe('warmer: turns and times', () => {
  it('makes one trip of requests handed in together, and asks for a pair once', async () => {
    const results = await Promise.all([
      warmer.submit(request({ pairs: ['a', 'b'] })),
      warmer.submit(request({ pairs: ['b', 'c'] })),
    ])
    expect(promotions.pairs).toEqual([[id('a'), id('b'), id('c')]])
    expect(results).toMatchObject([{ warmed: 2 }, { warmed: 2 }])
    expect(warmer.stats()).toMatchObject({ trips: 1, coalescedPairs: 1, pairsWarmed: 4 })
  })

  it('takes the higher priority first when trips are scarce', async () => {
    promotions.held = []
    for (let i = 0; i < 4; i++) {
      void warmer.submit(request({ pairs: [`busy-${i}`] }))
      await settled()
    }
    void warmer.submit(request({ pairs: ['low'], priority: 'low' }))
    for (let i = 0; i < 1_000; i++) void warmer.submit(request({ pairs: [`high-${i % 500}`], priority: 'high' }))
    void warmer.submit(request({ pairs: ['critical'], priority: 'critical' }))
    await settled()
    expect(promotions.asked).toHaveLength(4)
    promotions.held.shift()?.()
    await settled()
    const next = promotions.pairs[4] ?? []
    expect(next[0]).toBe(id('critical'))
    expect(next).not.toContain(id('low'))
  })

  it('holds a request until it is due', async () => {
    const held = warmer.submit(request({ notBeforeMs: NOW_MS + 50 }))
    await timer.advance(49)
    expect(promotions.asked).toEqual([])
    expect(warmer.stats()).toMatchObject({ heldRequests: 1, waitingRequests: 1 })
    await timer.advance(1)
    expect(await held).toMatchObject({ status: 'done', atMs: NOW_MS + 50 })
  })

  it('keeps the order of due times, whatever the order of arrival', async () => {
    for (const [pair, inMs] of [
      ['c', 30],
      ['a', 10],
      ['b', 20],
    ] as const)
      void warmer.submit(request({ pairs: [pair], notBeforeMs: NOW_MS + inMs }))
    await timer.advance(100)
    expect(promotions.pairs).toEqual([[id('a')], [id('b')], [id('c')]])
  })

  it('starts what is due when a clock that is moved by hand has passed it', async () => {
    const held = warmer.submit(request({ notBeforeMs: NOW_MS + 50 }))
    clock.advanceTo(NOW_MS + 50)
    warmer.releaseDue()
    expect(await held).toMatchObject({ status: 'done' })
  })

  it('drops a request that expires while it waits for its turn', async () => {
    promotions.held = []
    for (let i = 0; i < 4; i++) {
      void warmer.submit(request())
      await settled()
    }
    const waiting = warmer.submit(request({ expiresAtMs: NOW_MS + 5 }))
    await timer.advance(5)
    promotions.held.shift()?.()
    expect(await waiting).toMatchObject({ status: 'refused' })
    expect(warmer.stats().refused).toEqual({ expired: 1 })
  })
})

describe('warmer: bounds', () => {
  it('sheds the lowest priority first and answers it with a refusal', async () => {
    const own = open({ maxWaitingPairs: 2 })
    const later = { notBeforeMs: NOW_MS + 50 }
    const low = own.submit(request({ priority: 'low', ...later }))
    const medium = own.submit(request({ priority: 'medium', ...later }))
    const high = own.submit(request({ priority: 'high', ...later }))
    expect(await low).toMatchObject({ status: 'refused' })
    expect(await own.submit(request({ priority: 'low', ...later }))).toMatchObject({ status: 'refused' })
    expect(own.stats().refused).toEqual({ shed: 2 })
    await timer.advance(50)
    expect([await medium, await high]).toMatchObject([{ status: 'done' }, { status: 'done' }])
    await own.close()
  })

  it('never sheds a critical request, and lets its source wait for room', async () => {
    const own = open({ maxWaitingPairs: 2 })
    const criticals = Array.from({ length: 10 }, () =>
      own.submit(request({ priority: 'critical', notBeforeMs: NOW_MS + 50 })),
    )
    let hasRoom = false
    void own.room().then(() => {
      hasRoom = true
    })
    await settled()
    expect(hasRoom).toBe(false)
    await timer.advance(50)
    expect(hasRoom).toBe(true)
    for (const result of await Promise.all(criticals)) expect(result).toMatchObject({ status: 'done' })
    await own.room()
    await own.close()
  })

  it('refuses at its close what waits, and ends what is under way', async () => {
    promotions.held = []
    const underWay = warmer.submit(request())
    await settled()
    const held = warmer.submit(request({ notBeforeMs: NOW_MS + 50 }))
    const closing = warmer.close()
    expect(await held).toMatchObject({ status: 'refused' })
    promotions.held.shift()?.()
    await closing
    expect(await underWay).toMatchObject({ status: 'done' })
    expect(await warmer.submit(request())).toBeUndefined()
    expect(await warmer.warmPairs('ethereum', ['a'])).toMatchObject({ status: 'refused' })
    expect(warmer.stats().refused).toEqual({ closed: 3 })
    expect(timer.pending).toBe(0)
    await warmer.close()
  })

  it('passes a fault of the promotion on to those who asked, and goes on', async () => {
    promotions.error = new Error('a bug')
    await expect(warmer.submit(request())).rejects.toThrow('a bug')
    promotions.error = undefined
    expect(await warmer.submit(request())).toMatchObject({ status: 'done' })
  })
})

describe('warmer: what it counts', () => {
  it('counts operations by status and strategy, and leaves shadows and refusals out', async () => {
    const operations = (status: string, strategy: string) =>
      metrics.counter('warming_operations_total', { chain: 'ethereum', status, strategy }).value
    await warmer.submit(request({ strategy: 'top-n', pairs: ['a', 'b'] }))
    await warmer.submit(request({ origin: 'manual' }))
    await warmer.submit(request({ strategy: 'top-n', dryRun: true }))
    await warmer.submit(request({ strategy: 'top-n', expiresAtMs: NOW_MS }))
    promotions.outcomes.set(id('a'), 'failed')
    await warmer.submit(request({ strategy: 'top-n' }))
    promotions.timedOut = true
    await warmer.submit(request({ strategy: 'top-n' }))
    expect([operations('success', 'top-n'), operations('success', 'manual'), operations('error', 'top-n')]).toEqual([
      1, 1, 2,
    ])
    expect(metrics.counter('warming_pairs_warmed_total', { chain: 'ethereum', strategy: 'top-n' }).value).toBe(2)
    expect(metrics.histogram('warming_duration_ms', { chain: 'ethereum', strategy: 'top-n' }).count).toBe(3)
    expect(warmer.stats().byStatus).toEqual({ done: 2, partial: 0, timeout: 1, failed: 1, shadow: 1 })
  })

  it('ends every request in one result or one counted refusal, whatever comes', async () => {
    const anyRequest = fc.record({
      chain: fc.constantFrom('ethereum', 'base'),
      pairs: fc.array(fc.constantFrom('a', 'b', 'c', 'watched'), { minLength: 1, maxLength: 6 }),
      origin: fc.constantFrom('correlation', 'manual', 'replay'),
      priority: fc.constantFrom('critical', 'high', 'medium', 'low'),
      requestId: fc.constantFrom(...Array.from({ length: 30 }, (_, i) => `id-${i}`)),
      notBeforeMs: fc.integer({ min: NOW_MS - 10, max: NOW_MS + 60 }),
      expiresAtMs: fc.integer({ min: NOW_MS - 10, max: NOW_MS + 100 }),
      dryRun: fc.boolean(),
    })
    const step = fc.oneof({ weight: 4, arbitrary: anyRequest }, { weight: 1, arbitrary: fc.nat(20) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (script) => {
        clock = virtualClock(NOW_MS)
        timer = new ManualTimer(clock)
        const own = open({ maxWaitingPairs: 12 })
        const results: Promise<unknown>[] = []
        for (const each of script) {
          if (typeof each === 'number') await timer.advance(each)
          else results.push(own.submit(request(each as Partial<WarmRequest>)))
        }
        await timer.advance(200)
        await Promise.all(results)
        const { byStatus, refused: refusals, waitingRequests } = own.stats()
        const ended = [...Object.values(byStatus), ...Object.values(refusals)].reduce((sum, count) => sum + count, 0)
        expect([ended, waitingRequests]).toEqual([results.length, 0])
        await own.close()
      }),
      { numRuns: 100 },
    )
  })
})
