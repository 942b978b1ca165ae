import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import { NOW_MS, request, WarmerUnderTest } from './warmer-under-test.ts'

let on: WarmerUnderTest

beforeEach(() => {
  on = new WarmerUnderTest()
})
afterEach(() => on.close())

describe('the counting warmer', () => {
  it('counts operations by status and strategy, and leaves shadows and refusals out', async () => {
    const operations = (status: string, strategy: string) =>
      on.metrics.counter('warming_operations_total', { chain: 'ethereum', status, strategy }).value
    await on.warmer.submit(request({ strategy: 'top-n', pairs: ['a', 'b'] }))
    await on.warmer.submit(request({ origin: 'manual' }))
    await on.warmer.submit(request({ strategy: 'top-n', dryRun: true }))
    await on.warmer.submit(request({ strategy: 'top-n', expiresAtMs: NOW_MS }))
    on.promotions.outcomes.set(on.id('a'), 'failed')
    await on.warmer.submit(request({ strategy: 'top-n' }))
    on.promotions.timedOut = true
    await on.warmer.submit(request({ strategy: 'top-n' }))
    expect([operations('success', 'top-n'), operations('success', 'manual'), operations('error', 'top-n')]).toEqual([
      1, 1, 2,
    ])
    expect(on.metrics.counter('warming_pairs_warmed_total', { chain: 'ethereum', strategy: 'top-n' }).value).toBe(2)
    expect(on.metrics.histogram('warming_duration_ms', { chain: 'ethereum', strategy: 'top-n' }).count).toBe(3)
    expect(on.warmer.stats().byStatus).toEqual({ done: 2, partial: 0, timeout: 1, failed: 1, shadow: 1 })
  })

  it('ends every request with one result or one counted refusal, whatever comes', async () => {
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
        const fresh = new WarmerUnderTest()
        const own = fresh.open({ maxWaitingPairs: 12 })
        const results: Promise<unknown>[] = []
        for (const each of script) {
          if (typeof each === 'number') await fresh.timer.advance(each)
          else results.push(own.submit(request(each as Partial<WarmRequest>)))
        }
        await fresh.timer.advance(200)
        await Promise.all(results)
        const { byStatus, refusals, waitingRequests } = own.stats()
        const ended = [...Object.values(byStatus), ...Object.values(refusals)].reduce((sum, count) => sum + count, 0)
        expect([ended, waitingRequests]).toEqual([results.length, 0])
        await own.close()
      }),
      { numRuns: 100 },
    )
  })
})
