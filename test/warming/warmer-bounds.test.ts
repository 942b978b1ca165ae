import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { settled } from '../harness/manual-timer.ts'
import { NOW_MS, request, WarmerUnderTest } from './warmer-under-test.ts'

let on: WarmerUnderTest

beforeEach(() => {
  on = new WarmerUnderTest()
})
afterEach(() => on.close())

describe('a warmer with bounds', () => {
  it('sheds the lowest priority first and answers it with a refusal', async () => {
    const own = on.open({ maxWaitingPairs: 2 })
    const later = { notBeforeMs: NOW_MS + 50 }
    const low = own.submit(request({ priority: 'low', ...later }))
    const medium = own.submit(request({ priority: 'medium', ...later }))
    const high = own.submit(request({ priority: 'high', ...later }))
    expect(await low).toMatchObject({ status: 'refused' })
    expect(await own.submit(request({ priority: 'low', ...later }))).toMatchObject({ status: 'refused' })
    expect(own.stats().refusals).toEqual({ shed: 2 })
    await on.timer.advance(50)
    expect([await medium, await high]).toMatchObject([{ status: 'done' }, { status: 'done' }])
    await own.close()
  })

  it('never sheds a critical request, and makes its source wait for room', async () => {
    const own = on.open({ maxWaitingPairs: 2 })
    const criticals = Array.from({ length: 10 }, () =>
      own.submit(request({ priority: 'critical', notBeforeMs: NOW_MS + 50 })),
    )
    let hasRoom = false
    void own.room().then(() => {
      hasRoom = true
    })
    await settled()
    expect(hasRoom).toBe(false)
    await on.timer.advance(50)
    expect(hasRoom).toBe(true)
    for (const result of await Promise.all(criticals)) expect(result).toMatchObject({ status: 'done' })
    await own.room()
    await own.close()
  })

  it('lets everybody who waits for room go on when it closes', async () => {
    const own = on.open({ maxWaitingPairs: 1 })
    const later = { priority: 'critical', notBeforeMs: NOW_MS + 50 } as const
    const held = [own.submit(request(later)), own.submit(request(later))]
    let hasRoom = false
    void own.room().then(() => {
      hasRoom = true
    })
    await settled()
    expect(hasRoom).toBe(false)
    await own.close()
    expect(hasRoom).toBe(true)
    expect(await Promise.all(held)).toMatchObject([{ status: 'refused' }, { status: 'refused' }])
  })

  it('refuses waiting requests when it closes, and finishes those in flight', async () => {
    on.promotions.held = []
    const underWay = on.warmer.submit(request())
    await settled()
    const held = on.warmer.submit(request({ notBeforeMs: NOW_MS + 50 }))
    const closing = on.warmer.close()
    expect(await held).toMatchObject({ status: 'refused' })
    on.promotions.held.shift()?.()
    await closing
    expect(await underWay).toMatchObject({ status: 'done' })
    expect(await on.warmer.submit(request())).toBeUndefined()
    expect(await on.warmer.warmPairs('ethereum', ['a'])).toMatchObject({ status: 'refused' })
    expect(on.warmer.stats().refusals).toEqual({ closed: 3 })
    expect(on.timer.pending).toBe(0)
    await on.warmer.close()
  })

  it('passes a fault of the promotion on to its callers, and goes on', async () => {
    on.promotions.error = new Error('a bug')
    await expect(on.warmer.submit(request())).rejects.toThrow('a bug')
    on.promotions.error = undefined
    expect(await on.warmer.submit(request())).toMatchObject({ status: 'done' })
  })
})
