import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { settled } from '../harness/manual-timer.ts'
import { NOW_MS, request, WarmerUnderTest } from './warmer-under-test.ts'

let on: WarmerUnderTest

beforeEach(() => {
  on = new WarmerUnderTest()
})
afterEach(() => on.close())

describe('a warmer with many requests', () => {
  it('makes one trip for requests submitted together, and asks for a pair once', async () => {
    const results = await Promise.all([
      on.warmer.submit(request({ pairs: ['a', 'b'] })),
      on.warmer.submit(request({ pairs: ['b', 'c'] })),
    ])
    expect(on.promotions.pairs).toEqual([[on.id('a'), on.id('b'), on.id('c')]])
    expect(results).toMatchObject([{ warmed: 2 }, { warmed: 2 }])
    expect(on.warmer.stats()).toMatchObject({ trips: 1, coalescedPairs: 1, pairsWarmed: 4 })
  })

  it('serves the higher priority first while no trip is free', async () => {
    on.promotions.held = []
    for (let i = 0; i < 4; i++) {
      void on.warmer.submit(request({ pairs: [`busy-${i}`] }))
      await settled()
    }
    void on.warmer.submit(request({ pairs: ['low'], priority: 'low' }))
    for (let i = 0; i < 1_000; i++) void on.warmer.submit(request({ pairs: [`high-${i % 500}`], priority: 'high' }))
    void on.warmer.submit(request({ pairs: ['critical'], priority: 'critical' }))
    await settled()
    expect(on.promotions.asked).toHaveLength(4)
    on.promotions.held.shift()?.()
    await settled()
    const next = on.promotions.pairs[4] ?? []
    expect(next[0]).toBe(on.id('critical'))
    expect(next).not.toContain(on.id('low'))
  })

  it('holds a request until it is due', async () => {
    const held = on.warmer.submit(request({ notBeforeMs: NOW_MS + 50 }))
    await on.timer.advance(49)
    expect(on.promotions.asked).toEqual([])
    expect(on.warmer.stats()).toMatchObject({ heldRequests: 1, waitingRequests: 1 })
    await on.timer.advance(1)
    expect(await held).toMatchObject({ status: 'done', atMs: NOW_MS + 50 })
  })

  it('serves held requests by due time, whatever the order of arrival', async () => {
    for (const [pair, inMs] of [
      ['c', 30],
      ['a', 10],
      ['b', 20],
    ] as const)
      void on.warmer.submit(request({ pairs: [pair], notBeforeMs: NOW_MS + inMs }))
    await on.timer.advance(100)
    expect(on.promotions.pairs).toEqual([[on.id('a')], [on.id('b')], [on.id('c')]])
  })

  it('starts a held request once a virtual clock has passed its time', async () => {
    const held = on.warmer.submit(request({ notBeforeMs: NOW_MS + 50 }))
    on.clock.advanceTo(NOW_MS + 50)
    on.warmer.releaseDue()
    expect(await held).toMatchObject({ status: 'done' })
  })

  it('drops a request that expires while it waits for its turn', async () => {
    on.promotions.held = []
    for (let i = 0; i < 4; i++) {
      void on.warmer.submit(request())
      await settled()
    }
    const waiting = on.warmer.submit(request({ expiresAtMs: NOW_MS + 5 }))
    await on.timer.advance(5)
    on.promotions.held.shift()?.()
    expect(await waiting).toMatchObject({ status: 'refused' })
    expect(on.warmer.stats().refusals).toEqual({ expired: 1 })
  })
})
