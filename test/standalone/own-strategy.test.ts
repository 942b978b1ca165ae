import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { type OwnStrategy, type StrategyContext, topN } from '../../index.ts'
import { standardErrorLog } from '../../src/telemetry/log-stream.ts'
import { openedCache } from '../../standalone/levels.ts'
import { createWarming } from '../../standalone/warming/warming.ts'
import { closeAll, filled, GROUP, GROUPS, hitRatio, readGroups, warming } from './groups-stage.ts'

afterEach(closeAll)

const best: OwnStrategy['select'] = ({ candidates, maxPairs }) => ({
  selected: candidates.toSorted((a, b) => b.correlationScore - a.correlationScore).slice(0, maxPairs),
  reason: 'the best',
})

describe('a strategy of one’s own beside a cache', () => {
  test('chooses what follows a read, which raises the hit ratio from a third to two thirds', async () => {
    const cache = await filled()
    const seen: StrategyContext[] = []
    const select: OwnStrategy['select'] = (context) => {
      seen.push(context)
      return best(context)
    }
    const made = warming(cache, { strategy: { name: 'mine', maxPairs: 4, minScore: 0.4, select } })
    expect(made.warmer.getConfig()).toMatchObject({ maxPairsPerWarm: 4, minCorrelationScore: 0.4 })
    await readGroups(cache, 600)
    expect(hitRatio(cache)).toBeGreaterThan(0.6)
    const { candidates, ...last } = seen.at(-1) as StrategyContext
    expect(candidates.every(({ pair }) => /^P\d+$/.test(pair))).toBe(true)
    expect(candidates.every(({ correlationScore }) => correlationScore >= 0.4)).toBe(true)
    expect(last).toMatchObject({ maxPairs: 4, eventTimeMs: 1_780_000_000_000, l1: { capacity: 40 } })
    const { used, unused } = made.warmer.getStats().predicted
    expect(used).toBeGreaterThan(unused)
  })

  test('warms no more pairs after a read than it is let, whatever it selects', async () => {
    const attempted = async (maxPairsPerWarm: number) => {
      const cache = await filled()
      const select: OwnStrategy['select'] = ({ candidates }) => ({ selected: candidates, reason: 'all' })
      const made = warming(cache, { strategy: { name: 'all', select } })
      made.warmer.updateConfig({ maxPairsPerWarm })
      await readGroups(cache, 20)
      let most = 0
      for (let pair = 0; pair < GROUPS * GROUP; pair++) {
        const before = made.warmer.getStats().totalPairsAttempted
        cache.get(`P${pair}`)
        await new Promise((resolve) => setImmediate(resolve))
        most = Math.max(most, made.warmer.getStats().totalPairsAttempted - before)
      }
      return most
    }
    expect([await attempted(1), (await attempted(8)) > 1]).toEqual([1, true])
  })

  test('chooses among what follows a pair, too', async () => {
    const cache = await filled()
    const seen: StrategyContext[] = []
    const select: OwnStrategy['select'] = (context) => {
      seen.push(context)
      return {
        selected: context.candidates.filter(({ pair }) => pair === 'P3' || pair === 'P5'),
        reason: 'two of them',
      }
    }
    const made = warming(cache, { strategy: { name: 'two', select } })
    for (let update = 0; update < 20; update++) {
      made.tracker.recordPriceUpdate('P0')
      for (let read = 1; read <= 6; read++) cache.get(`P${read}`)
    }
    seen.length = 0
    const { pairsAttempted } = await made.warmer.warmForPair('P0')
    expect([pairsAttempted, seen.length]).toEqual([2, 1])
    expect(seen[0]?.candidates.map(({ pair, kind }) => [pair, kind]).toSorted()).toEqual(
      [1, 2, 3, 4, 5, 6].map((read) => [`P${read}`, 'correlation']),
    )
  })

  test('that warms while it is asked is not asked for that, too', async () => {
    const cache = await filled()
    const nested: Promise<unknown>[] = []
    const made: ReturnType<typeof warming> = warming(cache, {
      strategy: {
        name: 'nested',
        select: (context) => {
          nested.push(made.warmer.warmForPair('P0'))
          return best(context)
        },
      },
    })
    made.tracker.recordPriceUpdate('P0')
    cache.get('P1')
    expect(await made.warmer.warmForPair('P0')).toMatchObject({ success: true, pairsAttempted: 1 })
    expect(await Promise.all(nested)).toEqual([expect.objectContaining({ success: true, pairsAttempted: 0 })])
  })

  test('that throws warms nothing and harms no read, and is counted and logged with its fault', async () => {
    const said: string[] = []
    const written = jest.spyOn(standardErrorLog(), 'write').mockImplementation((line) => void said.push(line))
    const cache = await filled()
    const select = () => {
      throw new Error('a bug')
    }
    const made = warming(cache, { strategy: { name: 'faulty', select } })
    await readGroups(cache, 100).finally(() => written.mockRestore())
    expect(made.warmer.getStats().totalWarmingOps).toBe(0)
    const counted = openedCache(cache)?.metrics.counter('strategy_answers_refused_total', {
      strategy: 'faulty',
      reason: 'threw',
    })
    expect(counted?.value).toBeGreaterThan(50)
    expect(JSON.parse(said[0] ?? '')).toMatchObject({
      level: 'error',
      strategy: 'faulty',
      reason: 'threw',
      detail: 'faulty threw "a bug"',
    })
    expect(said.length).toBeLessThan(50)
  })

  test('may be one of the named ones, as a value', async () => {
    const [named, valued] = [await filled(), await filled()]
    warming(named, { strategy: 'top-n' })
    warming(valued, { strategy: topN() })
    for (const cache of [named, valued]) await readGroups(cache, 300)
    expect(hitRatio(valued)).toBe(hitRatio(named))
  })

  test('is refused in a sentence where it is none', async () => {
    const cache = await filled()
    for (const strategy of [{ name: 'mine' }, { ...topN(), name: '' }, () => undefined])
      expect(() => createWarming(cache, { strategy: strategy as never })).toThrow(
        /^strategy: expected one of forewarm, .*, or \{ name, select \}, with a name of 1 to 64 .*; got /,
      )
  })
})
