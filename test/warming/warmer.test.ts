import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { settled } from '../harness/manual-timer.ts'
import { NOW_MS, request, WarmerUnderTest } from './warmer-under-test.ts'

let on: WarmerUnderTest

beforeEach(() => {
  on = new WarmerUnderTest()
})
afterEach(() => on.close())

describe('a warmer', () => {
  it('warms the requested pairs and reports them', async () => {
    on.table.register('ethereum', 'a')
    on.promotions.outcomes.set(on.id('a'), 'alreadyInL1')
    expect(await on.warmer.submit(request({ requestId: 'x', pairs: ['a', 'b'] }))).toEqual({
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

  it('learns how long a warm takes from warms, and not from requests for resident pairs', async () => {
    const beforeMs = on.warmer.typicalMs
    on.table.register('ethereum', 'a')
    on.promotions.outcomes.set(on.id('a'), 'alreadyInL1')
    for (let i = 0; i < 100; i++) await on.warmer.submit(request())
    expect(on.warmer.typicalMs).toBe(beforeMs)
    for (let i = 0; i < 100; i++) await on.warmer.submit(request({ pairs: ['a', 'b'] }))
    expect(on.warmer.typicalMs).toBeLessThan(beforeMs)
  })

  it('does not learn how long a warm takes from one that was cut off', async () => {
    const beforeMs = on.warmer.typicalMs
    on.promotions.timedOut = true
    expect(await on.warmer.submit(request({ pairs: ['a', 'b'] }))).toMatchObject({ warmed: 2 })
    expect(on.warmer.typicalMs).toBe(beforeMs)
  })

  it('adds how late a warm was begun to how long it takes', async () => {
    const beforeMs = on.warmer.typicalMs
    for (let i = 0; i < 100; i++) {
      const result = on.warmer.submit(request({ notBeforeMs: on.clock.now() + 10 }))
      await settled()
      // The timer should have fired at 10 ms, but the thread was busy.
      on.clock.advanceTo(on.clock.now() + 10 + 2 * beforeMs)
      on.warmer.releaseDue()
      await result
    }
    expect(on.warmer.typicalMs).toBeGreaterThan(1.9 * beforeMs)
  })

  it('stays silent about requests that do not concern the node', async () => {
    expect(await on.warmer.submit(request({ chain: 'base' }))).toBeUndefined()
    expect(await on.warmer.submit(request({ origin: 'replay' }))).toBeUndefined()
    expect(on.promotions.asked).toEqual([])
    expect(on.warmer.stats().refusals).toEqual({ 'not-interested': 1, replay: 1 })
    expect([on.refused('not-interested', 'base'), on.refused('replay')]).toEqual([1, 1])
  })

  it('leaves requests of another service to its nodes, and takes one that names none as one of the default service', async () => {
    const staging = on.open({ service: 'staging', acceptReplays: true })
    expect(await on.warmer.submit(request({ service: 'staging' }))).toBeUndefined()
    expect(await staging.submit(request())).toBeUndefined()
    expect(on.promotions.asked).toEqual([])
    expect([on.warmer.stats().refusals, on.refused('other-service')]).toEqual([{ 'other-service': 1 }, 2])
    expect(await on.warmer.submit(request({ service: 'default' }))).toMatchObject({
      service: 'default',
      status: 'done',
    })
    expect(await staging.submit(request({ service: 'staging' }))).toMatchObject({ service: 'staging', status: 'done' })
    expect(await staging.submit(request({ service: 'production', origin: 'replay' }))).toMatchObject({ status: 'done' })
  })

  it('gives no id to a pair that does not concern the node', async () => {
    await on.warmer.submit(request({ chain: 'base', pairs: ['x', 'y'] }))
    expect(on.table.size).toBe(0)
  })

  it('warms only the pairs that concern the node', async () => {
    const result = await on.warmer.submit(request({ chain: 'base', pairs: ['x', 'watched'], origin: 'manual' }))
    expect(on.promotions.pairs).toEqual([[on.id('watched', 'base')]])
    expect(result).toMatchObject({ status: 'done', warmed: 1, notInterested: 1 })
    expect(result?.outcomes).toEqual({ x: 'notInterested', watched: 'warmed' })
  })

  it('serves a request id once', async () => {
    const once = request()
    expect(await on.warmer.submit(once)).toMatchObject({ status: 'done' })
    expect(await on.warmer.submit(once)).toBeUndefined()
    expect(on.promotions.asked).toHaveLength(1)
    expect(on.warmer.stats().refusals).toEqual({ duplicate: 1 })
  })

  it('serves the requests of replays if it is told to', async () => {
    const own = on.open({ acceptReplays: true })
    expect(await own.submit(request({ origin: 'replay' }))).toMatchObject({ status: 'done' })
    await own.close()
  })

  it('refuses a request that has expired, will have when it is due, or is due too far ahead', async () => {
    const dead = [
      request({ expiresAtMs: NOW_MS }),
      request({ notBeforeMs: NOW_MS + 20, expiresAtMs: NOW_MS + 20 }),
      request({ notBeforeMs: NOW_MS + 600_001 }),
    ]
    for (const each of dead) expect(await on.warmer.submit(each)).toMatchObject({ status: 'refused', warmed: 0 })
    expect(on.warmer.stats().refusals).toEqual({ expired: 2, 'too-far-ahead': 1 })
    expect(on.promotions.asked).toEqual([])
  })

  it('has no room for a pair that the table has no id for', async () => {
    const own = on.open({ table: new PairTable({ maxPairs: 1 }) })
    expect(await own.submit(request({ pairs: ['a', 'b'], origin: 'manual' }))).toMatchObject({
      status: 'partial',
      warmed: 1,
      outcomes: { a: 'warmed', b: 'noRoom' },
    })
    await own.close()
  })

  it('promotes nothing on a dry run', async () => {
    expect(await on.warmer.submit(request({ dryRun: true }))).toMatchObject({ status: 'shadow', warmed: 1 })
    expect(on.promotions.asked[0]?.options.dryRun).toBe(true)
    expect(on.warmer.stats()).toMatchObject({ pairsWarmed: 0, byStatus: { shadow: 1, done: 0 } })
  })

  it('warms pairs by hand even if they do not concern the node', async () => {
    expect(await on.warmer.warmPairs('base', ['x'])).toMatchObject({
      status: 'done',
      warmed: 1,
      outcomes: { x: 'warmed' },
    })
  })
})
