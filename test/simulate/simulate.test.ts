import { describe, expect, test } from '@jest/globals'
import { POLICY_NAMES, type PolicyName } from '../../src/simulate/policies/policies.ts'
import type { SimulationRow } from '../../src/simulate/row.ts'
import { accessCombinations, accessWorkload, simulate, sizesOf } from '../../src/simulate/simulate.ts'
import { type AccessTrace, readAccesses } from '../../src/simulate/traffic/access-trace.ts'
import { WARMING_NAMES, type WarmingName } from '../../src/simulate/warmings/warmings.ts'
import { dataset } from './datasets.ts'

const CAPACITY = [0.01, 0.05, 0.1, 0.2]
const SEED = 1

interface Wanted {
  readonly policies?: readonly PolicyName[]
  readonly warmings?: readonly WarmingName[]
  readonly capacity?: readonly number[]
  readonly seed?: number
}

async function rowsOf(trace: AccessTrace, wanted: Wanted): Promise<SimulationRow[]> {
  const { policies = ['forewarm'], warmings = ['forewarm'], capacity = CAPACITY, seed = SEED } = wanted
  const combinations = accessCombinations({ sizes: sizesOf(trace.keys, { capacity }), policies, warmings })
  return collected(simulate(accessWorkload(trace, seed), combinations))
}

async function collected(rows: AsyncIterable<SimulationRow>): Promise<SimulationRow[]> {
  const all: SimulationRow[] = []
  for await (const row of rows) all.push(row)
  return all
}

async function recorded(name: string): Promise<AccessTrace | undefined> {
  const file = dataset('access', `${name}.txt.gz`)
  return file === undefined ? undefined : readAccesses(file)
}

function traceOf(accesses: readonly number[]): AccessTrace {
  return { name: 'here', accesses: Int32Array.from(accesses), keys: Math.max(...accesses) + 1 }
}

/** Twenty groups of four, in turn: what follows a key is always the same. */
const TURNS = traceOf(Array.from({ length: 4_000 }, (_, i) => i % 80))

describe('hit ratios without warming are those of libCacheSim', () => {
  // README.md of the recorded data, at 1, 5, 10 and 20 % of the keys.
  test.each([
    ['web12', 'lru', [0.3979, 0.6002, 0.6849, 0.7567]],
    ['web12', 'sieve', [0.4035, 0.6355, 0.7168, 0.7746]],
    ['multi3', 'lru', [0.0517, 0.2663, 0.3549, 0.441]],
    ['multi3', 'sieve', [0.076, 0.2909, 0.3735, 0.4648]],
  ] as const)('on %s with the policy %s', async (name, policy, expected) => {
    const trace = await recorded(name)
    if (trace === undefined) return
    const rows = await rowsOf(trace, { policies: [policy], warmings: ['none'] })
    for (const [at, { hitRatio }] of rows.entries())
      expect(Math.abs(hitRatio - (expected[at] ?? Number.NaN))).toBeLessThanOrEqual(0.0005)
  })
})

describe('warming by the log of reads', () => {
  test.each([
    ['its known share on multi3, where much follows much', 'multi3', [0.61, 0.725, 0.738, 0.743]],
    ['as much as SIEVE on web12, where nothing can be predicted', 'web12', [0.4035, 0.6355, 0.7168, 0.7746]],
  ] as const)('hits %s', async (_, name, least) => {
    const trace = await recorded(name)
    if (trace === undefined) return
    for (const [at, { hitRatio }] of (await rowsOf(trace, {})).entries())
      expect(hitRatio).toBeGreaterThanOrEqual(least[at] ?? Number.NaN)
  })

  test('brings in no more than a small cache can hold until it is read', async () => {
    // A loop a hundred times as long as the cache, whose warm part holds six: every next read is known, and none fits.
    const loop = traceOf(Array.from({ length: 40_000 }, (_, i) => i % 2000))
    const [row] = await rowsOf(loop, { capacity: [0.01] })
    expect(row?.hitRatio).toBeGreaterThan(0.4)
    expect(row?.accuracy).toBeGreaterThan(0.9)
  })

  test('with the strategy forewarm hits about as much as with aggressive, which differs in the number of pairs', async () => {
    const of = async (warmings: readonly WarmingName[]) => rowsOf(TURNS, { warmings, capacity: [0.2] })
    const [forewarm] = await of(['forewarm'])
    const [aggressive] = await of(['aggressive'])
    // `aggressive` is `forewarm` with ten pairs instead of eight, and selects candidates as the other strategies do.
    expect(aggressive?.hitRatio).toBeCloseTo(forewarm?.hitRatio ?? Number.NaN, 1)
  })
})

describe('the row of a simulation', () => {
  test('comes for every combination, in order', async () => {
    const rows = await rowsOf(TURNS, { policies: POLICY_NAMES, warmings: WARMING_NAMES, capacity: [0.1, 0.2] })
    expect(rows.map(({ policy, warming, slots }) => [policy, warming, slots])).toEqual(
      POLICY_NAMES.flatMap((policy) => WARMING_NAMES.flatMap((name) => [8, 16].map((slots) => [policy, name, slots]))),
    )
  })

  test('without warming has no figures about warms', async () => {
    const [row] = await rowsOf(TURNS, { policies: ['lru'], warmings: ['none'], capacity: [0.2] })
    expect(row).toStrictEqual({
      ...{ input: 'here', capacity: 0.2, slots: 16, policy: 'lru', warming: 'none' },
      ...{ lookAhead: 'off', attribution: 'off', delayMs: 0, warmMs: 0 },
      ...{ reads: 4000, hits: 0, hitRatio: 0, warms: 0, warmsUsed: 0, seconds: expect.any(Number) },
      ...{ accuracy: undefined, coverage: 0, timeliness: undefined, pollution: 0, redundancy: undefined },
      l2ReadsPerSavedMiss: undefined,
    })
  })

  test('of the oracle misses only the first access, and reads L2 once for each miss saved', async () => {
    const [row] = await rowsOf(TURNS, { policies: ['lru'], warmings: ['oracle'], capacity: [0.2] })
    expect(row).toMatchObject({ hits: 3999, warms: 3999, warmsUsed: 3999, accuracy: 1, timeliness: 1, redundancy: 0 })
    expect(row).toMatchObject({ coverage: 3999 / 4000, l2ReadsPerSavedMiss: 1 })
  })

  test('compares warming with the same policy without it, asked for or not', async () => {
    const alone = await rowsOf(TURNS, { warmings: ['forewarm'], capacity: [0.5] })
    const beside = await rowsOf(TURNS, { warmings: ['none', 'forewarm'], capacity: [0.5] })
    expect(alone[0]?.coverage).toBe(beside[1]?.coverage)
    expect(alone[0]?.coverage).toBeGreaterThan(0.9)
  })

  test('compares warming with the same policy of the same size', async () => {
    // Counted by hand: with two slots LRU misses four of these, SIEVE three. With three both miss three, the oracle one.
    const rows = await rowsOf(traceOf([0, 0, 1, 2, 0]), {
      policies: ['lru', 'sieve'],
      warmings: ['oracle'],
      capacity: [2 / 3, 1],
    })
    expect(rows.map(({ policy, slots, coverage }) => [policy, slots, coverage])).toEqual([
      ['lru', 2, 3 / 4],
      ['lru', 3, 2 / 3],
      ['sieve', 2, 2 / 3],
      ['sieve', 3, 2 / 3],
    ])
  })

  test('of the oracle has no request after the last access', async () => {
    const [row] = await rowsOf(traceOf([0, 0]), { policies: ['lru'], warmings: ['oracle'], capacity: [1] })
    expect(row?.redundancy).toBe(1)
  })

  test('counts misses on pairs that a warm evicted', async () => {
    // With two slots of LRU, eight random warms after each read evict what is read next.
    const rows = await rowsOf(traceOf([0, 1, 2, 0, 1, 2, 0, 1, 2]), {
      policies: ['lru'],
      warmings: ['random'],
      capacity: [0.66],
    })
    expect(rows[0]?.pollution).toBeGreaterThan(0)
  })

  test('is the same for the same seed', async () => {
    const of = async (seed: number) => {
      const [row] = await rowsOf(TURNS, { warmings: ['random'], capacity: [0.2], seed })
      return { ...row, seconds: 0 }
    }
    expect(await of(7)).toEqual(await of(7))
    expect(await of(7)).not.toEqual(await of(8))
  })
})

describe('the sizes of a simulation', () => {
  test('are rounded shares of the keys, or slots as given', () => {
    expect(sizesOf(4703, { capacity: [0.01, 0.05] })).toEqual([
      { capacity: 0.01, slots: 47 },
      { capacity: 0.05, slots: 235 },
    ])
    expect(sizesOf(100, { slots: [5] })).toEqual([{ capacity: 0.05, slots: 5 }])
  })

  test.each([
    [{ slots: [0] }, 'got 0'],
    [{ slots: [101] }, 'got 101'],
    [{ slots: [1.5] }, 'got 1.5'],
    [{ slots: [Number.NaN] }, 'got NaN'],
    [{ capacity: [0] }, 'got 0 (0 of 100 keys)'],
    [{ capacity: [-0.1] }, 'got -10 (-0.1 of 100 keys)'],
    [{ capacity: [Number.NaN] }, 'got NaN (NaN of 100 keys)'],
    [{ capacity: [0.001] }, 'got 0 (0.001 of 100 keys)'],
    [{ capacity: [1.1] }, 'got 110 (1.1 of 100 keys)'],
  ])('that are no number of slots are refused: %j of 100 keys', (given, got) => {
    expect(() => sizesOf(100, given)).toThrow(`expected 1 to 100 slots, at most one a key; ${got}`)
  })

  test('of one key are one slot', async () => {
    const [row] = await rowsOf(traceOf([0, 0, 0]), { capacity: [1] })
    expect(row).toMatchObject({ slots: 1, reads: 3, hits: 2 })
  })
})

test('a simulation ends when its signal is aborted', async () => {
  const combinations = accessCombinations({
    sizes: sizesOf(80, { capacity: [0.1] }),
    policies: ['lru'],
    warmings: ['none'],
  })
  const long = traceOf(Array.from({ length: 100_000 }, (_, i) => i % 80))
  const rows = simulate(accessWorkload(long, SEED), combinations, { signal: AbortSignal.abort(new Error('enough')) })
  await expect(collected(rows)).rejects.toThrow('enough')
})
