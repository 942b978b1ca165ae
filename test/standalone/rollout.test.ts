import { afterEach, describe, expect, test } from '@jest/globals'
import { createCache } from '../../standalone/cache.ts'
import { createWarming } from '../../standalone/warming/warming.ts'
import { closeAll, closedLater, filled, GROUP, GROUPS, hitRatio, readGroups, warming } from './groups-stage.ts'

afterEach(closeAll)

/** The pairs whose reads could warm others, as the gate was asked about them. */
async function triggers(cache: Awaited<ReturnType<typeof filled>>, percent: number): Promise<Set<string>> {
  const asked = new Set<string>()
  const gate = (pair: string) => {
    asked.add(pair)
    return true
  }
  const made = createWarming(cache, { rollout: { mode: 'canary', percent, gate } })
  await readGroups(cache, 600)
  await made.close()
  return asked
}

describe('a canary beside a cache', () => {
  test('warms after the reads of its part of the pairs, and keeps each of them while the part grows', async () => {
    const few = await triggers(await filled(), 20)
    const more = await triggers(await filled(), 60)
    expect([few.size, more.size].map((size) => size / (GROUPS * GROUP))).toEqual([
      expect.closeTo(0.2, 1),
      expect.closeTo(0.6, 1),
    ])
    expect([...few].filter((pair) => !more.has(pair))).toEqual([])
    expect(await triggers(await filled(), 0)).toEqual(new Set())
  })

  test('warms less than all do, and more once the percentage grows', async () => {
    const cache = await filled()
    const made = warming(cache, { rollout: { mode: 'canary', percent: 10 } })
    await readGroups(cache, 400)
    const before = made.warmer.getStats().totalPairsAttempted
    await readGroups(cache, 100)
    const few = made.warmer.getStats().totalPairsAttempted - before
    made.rollout.set({ mode: 'full' })
    await readGroups(cache, 100)
    expect(few).toBeGreaterThan(0)
    expect(made.warmer.getStats().totalPairsAttempted - before - few).toBeGreaterThan(3 * few)
    expect(made.rollout.status()).toMatchObject({ mode: 'full', set: { mode: 'full', percent: 100, killed: false } })
  })
})

describe('the gate of a warming', () => {
  test('is asked at each read that could warm something, and its answer holds at once', async () => {
    let isOn = false
    const cache = await filled()
    const made = warming(cache, { rollout: { gate: (pair) => isOn && pair.startsWith('P') } })
    await readGroups(cache, 400)
    const { yes, no } = made.rollout.status().gate
    expect([made.warmer.getStats().totalWarmingOps, yes, no > 0]).toEqual([0, 0, true])
    isOn = true
    await readGroups(cache, 100)
    const warmed = made.warmer.getStats().totalWarmingOps
    expect(warmed).toBeGreaterThan(0)
    isOn = false
    await readGroups(cache, 100)
    expect(made.warmer.getStats().totalWarmingOps).toBe(warmed)
    expect(made.rollout.status().gate.yes).toBeGreaterThan(0)
  })

  test.each<[string, () => unknown]>([
    [
      'an error',
      () => {
        throw new Error('the flag service is away')
      },
    ],
    ['a promise, which may even be rejected', () => Promise.reject(new Error('asynchronous by mistake'))],
    ['nothing', () => undefined],
  ])('means no if it gives %s, and that is counted', async (_, gate) => {
    const cache = await filled()
    const made = warming(cache, { rollout: { gate: gate as () => boolean } })
    await readGroups(cache, 200)
    const { yes, no, faults } = made.rollout.status().gate
    expect([made.warmer.getStats().totalWarmingOps, yes, no, faults > 0]).toEqual([0, 0, 0, true])
  })

  test('may read the cache itself, and is not asked about these reads', async () => {
    const cache = await filled()
    const asked: string[] = []
    let depth = 0
    const gate = (pair: string) => {
      asked.push(`${pair} ${depth}`)
      depth++
      if (depth < 3) cache.get(pair)
      depth--
      return true
    }
    warming(cache, { rollout: { gate } })
    await readGroups(cache, 300)
    expect([asked.length > 0, asked.filter((each) => !each.endsWith(' 0'))]).toEqual([true, []])
  })

  test('is changed while the warming runs, and cannot warm what mode and percent keep out', async () => {
    const cache = await filled()
    const made = warming(cache, { rollout: { mode: 'off', gate: () => true } })
    await readGroups(cache, 300)
    expect(made.warmer.getStats().totalWarmingOps).toBe(0)
    made.rollout.set({ mode: 'full', gate: () => false })
    await readGroups(cache, 100)
    expect(made.warmer.getStats().totalWarmingOps).toBe(0)
    made.rollout.set({ gate: () => true })
    await readGroups(cache, 100)
    expect(made.warmer.getStats().totalWarmingOps).toBeGreaterThan(0)
  })
})

describe('a warming in shadow', () => {
  test.each(['forewarm', 'top-n', 'adaptive'] as const)(
    'promotes nothing, and predicts within .02 the hit ratio that %s gives in full',
    async (strategy) => {
      const shadowed = await filled()
      const made = warming(shadowed, { strategy, rollout: { mode: 'shadow' } })
      await readGroups(shadowed, 800)
      const cold = await filled()
      await readGroups(cold, 800)
      const full = await filled()
      warming(full, { strategy })
      await readGroups(full, 800)
      const { shadow, mode } = made.rollout.status()
      const { totalWarmingOps, predicted } = made.warmer.getStats()
      expect({ mode, totalWarmingOps, admitted: predicted.admitted }).toEqual({
        ...{ mode: 'shadow', totalWarmingOps: 0, admitted: 0 },
      })
      expect(hitRatio(shadowed)).toBe(hitRatio(cold))
      expect(shadow).toMatchObject({ reads: 800 * GROUP, hitRatio: hitRatio(shadowed) })
      expect(Math.abs((shadow?.hitRatioWithWarming ?? 0) - hitRatio(full))).toBeLessThan(0.02)
      expect(hitRatio(full) - hitRatio(cold)).toBeGreaterThan(0.1)
    },
  )

  test('says what its part of the pairs would bring, for those that the gate lets through', async () => {
    const cache = await filled()
    const made = warming(cache, { rollout: { mode: 'shadow', gate: () => false } })
    await readGroups(cache, 400)
    const { hitRatio: now, hitRatioWithWarming } = made.rollout.status().shadow ?? {}
    expect(Math.abs((hitRatioWithWarming ?? 1) - (now ?? 0))).toBeLessThan(0.01)
  })

  test('carries out what a person asks for, and counts it with and without warming', async () => {
    const cache = await filled()
    await readGroups(cache, 100)
    const made = warming(cache, { rollout: { mode: 'shadow' } })
    const absent = ['P190', 'P191', 'P192']
    expect(await made.warmer.warmPairs(absent)).toMatchObject({ success: true, refused: undefined })
    for (const pair of absent) cache.get(pair)
    expect(made.rollout.status().shadow).toEqual({ reads: 3, hitRatio: 1, hitRatioWithWarming: 1 })
  })

  test('keeps its figures when it ends, and goes on to warm by what it has learned', async () => {
    const cache = await filled()
    const made = warming(cache, { rollout: { mode: 'shadow' } })
    await readGroups(cache, 400)
    const { shadow } = made.rollout.status()
    expect(made.rollout.set({ mode: 'full' })).toMatchObject({ mode: 'full', shadow })
    const before = cache.stats().levels.L1
    await readGroups(cache, 200)
    const { hits, misses } = cache.stats().levels.L1
    expect((hits - before.hits) / (hits + misses - before.hits - before.misses)).toBeGreaterThan(0.65)
  })
})

describe('a warming that is switched off', () => {
  test.each([
    ['off', { mode: 'off' }],
    ['killed', { mode: 'full', killed: true }],
  ] as const)(
    'warms nothing while it is %s, not even for a person, and learns from reads',
    async (refused, rollout) => {
      const cache = await filled()
      const made = warming(cache, { rollout })
      await readGroups(cache, 400)
      expect(await made.warmer.warmPairs(['P1', 'P2'])).toMatchObject({
        ...{ success: false, refused, pairsAttempted: 2, pairsWarmed: 0, pairsRefused: 0, timedOut: false },
      })
      expect(made.warmer.getStats()).toMatchObject({
        totalWarmingOps: 0,
        failedOps: 0,
        refusedOps: 1,
        successRate: undefined,
      })
      expect(made.rollout.set({ mode: 'full', killed: false }).mode).toBe('full')
      await readGroups(cache, 5)
      expect(made.warmer.getStats().totalWarmingOps).toBeGreaterThan(0)
      expect(await made.warmer.warmPairs(['P1'])).toMatchObject({ success: true, refused: undefined })
    },
  )

  test('keeps out of L1 the warms that are in flight when it is killed', async () => {
    const cache = await filled()
    const made = warming(cache)
    await readGroups(cache, 100)
    const { resident } = cache.stats().levels.L1 as { resident?: number }
    const asked = made.warmer.warmPairs(['P190', 'P191'])
    expect(made.rollout.kill()).toMatchObject({ mode: 'off', offBecause: 'it is killed', set: { killed: true } })
    expect(await asked).toMatchObject({ success: false, refused: 'killed', pairsWarmed: 0 })
    expect((cache.stats().levels.L1 as { resident?: number }).resident).toBe(resident)
  })

  test('does not warm later what was chosen before it was killed', async () => {
    const cache = await filled()
    const made = warming(cache)
    await readGroups(cache, 300)
    const begun = () => made.warmer.getStats().totalWarmingOps + made.warmer.getStats().refusedOps
    const before = begun()
    const read = () => {
      for (let first = 0; first < GROUPS * GROUP; first += GROUP) cache.get(`P${first}`)
    }
    read()
    made.rollout.kill()
    made.rollout.set({ killed: false })
    await new Promise((resolve) => setImmediate(resolve))
    const kept = begun()
    read()
    await new Promise((resolve) => setImmediate(resolve))
    expect([kept, begun() > kept]).toEqual([before, true])
  })

  test('by the environment stays off, whatever its rollout says', async () => {
    const cache = closedLater(await createCache({ l1Slots: 8, l2Enabled: false, env: { WARMING_ENABLED: 'false' } }))
    const made = warming(cache, { rollout: { mode: 'full' } })
    expect(made.rollout.status()).toMatchObject({ mode: 'off', offBecause: 'WARMING_ENABLED is off' })
    expect(await made.warmer.warmPairs(['P1'])).toMatchObject({ success: false, refused: 'off' })
  })
})

describe('a rollout that is not allowed', () => {
  test.each<[object, string]>([
    [{ mode: 'half' }, 'mode: expected one of off, shadow, canary, full, got "half"'],
    [{ mode: 'canary', percent: 101 }, 'percent: expected a number from 0 to 100, got 101'],
    [{ killed: 'yes' }, 'killed: expected true or false, got "yes"'],
    [{ percent: 5 }, 'full warms after the updates of all pairs: for 5 percent of them set the mode canary'],
    [{ gate: true }, 'gate: expected a function, got true'],
    [{ percents: 5 }, 'there is no option percents; did you mean percent?'],
  ])('%j is refused with one sentence, and nothing else changes', async (change, sentence) => {
    const cache = await filled()
    expect(() => createWarming(cache, { rollout: change })).toThrow(`createWarming: rollout: ${sentence}`)
    const made = warming(cache)
    const before = made.rollout.status()
    expect(() => made.rollout.set(change)).toThrow(`rollout.set: ${sentence}`)
    expect(made.rollout.status()).toEqual(before)
  })

  test('comes from a warming that is closed: the next one has its own', async () => {
    const cache = await filled()
    const first = warming(cache, { rollout: { mode: 'canary', percent: 7 } })
    await first.close()
    const second = warming(cache)
    first.rollout.kill()
    expect(second.rollout.status()).toMatchObject({ mode: 'full', set: { percent: 100, killed: false } })
  })
})

describe('the rollout of several warmings beside a cache', () => {
  test('is one: a further warming leaves it as it is, unless it is given another', async () => {
    const cache = await filled()
    const first = warming(cache, { rollout: { mode: 'canary', percent: 7 } })
    const second = warming(cache, { strategy: 'top-n' })
    expect(second.rollout.status()).toMatchObject({ mode: 'canary', set: { percent: 7 } })
    const third = warming(cache, { rollout: { mode: 'off' } })
    for (const each of [first, second, third]) expect(each.rollout.status().mode).toBe('off')
    first.rollout.set({ mode: 'full' })
    expect(third.rollout.status().mode).toBe('full')
  })
})
