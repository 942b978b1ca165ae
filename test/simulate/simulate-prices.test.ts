import { beforeAll, describe, expect, test } from '@jest/globals'
import type { OwnStrategy, StrategyContext } from '../../index.ts'
import type { PolicyName } from '../../src/simulate/policies/policies.ts'
import type { SimulationRow } from '../../src/simulate/row.ts'
import { type PriceChoices, priceCombinations, priceWorkload, simulate, sizesOf } from '../../src/simulate/simulate.ts'
import { type PriceTape, readPriceTape } from '../../src/simulate/traffic/price-tape.ts'
import { WARMING_NAMES, type WarmingName } from '../../src/simulate/warmings/warmings.ts'
import { mulberry32 } from '../harness/mulberry32.ts'
import { dataset } from './datasets.ts'

async function rowsOf(
  tape: PriceTape,
  choices: Partial<PriceChoices> & { readonly capacity: readonly number[] },
  own?: OwnStrategy,
): Promise<SimulationRow[]> {
  const combinations = priceCombinations({
    ...{ policies: ['forewarm'], warmings: ['forewarm'], lookAheads: ['off'], attributions: ['on'] },
    ...{ delaysMs: [0], warmMs: 1, sizes: sizesOf(tape.pairs, choices) },
    ...choices,
  })
  const rows: SimulationRow[] = []
  for await (const row of simulate(priceWorkload(tape, 1, own), combinations)) rows.push(row)
  return rows
}

async function hitRatios(...of: Parameters<typeof rowsOf>): Promise<number[]> {
  return (await rowsOf(...of)).map(({ hitRatio }) => hitRatio)
}

describe('on the first recorded day of a prediction market', () => {
  let tape: PriceTape | undefined

  beforeAll(async () => {
    const prices = dataset('polymarket', '2026-07-10.ndjson.gz')
    const events = dataset('polymarket', '2026-07-10.events.csv.gz')
    if (prices === undefined || events === undefined) return
    tape = await readPriceTape({ prices, events, maxReads: 8, spacingUs: 50 })
  })

  test('LRU without warming has the hit ratios that it is known to have', async () => {
    if (tape === undefined) return
    const capacity = [0.01, 0.02, 0.05, 0.1, 0.2]
    const rows = await rowsOf(tape, { policies: ['lru'], warmings: ['none'], capacity })
    expect(rows.map(({ reads }) => reads)).toEqual(capacity.map(() => 549_926))
    expect(rows.map(({ hitRatio }) => hitRatio.toFixed(4))).toEqual(['0.2369', '0.4248', '0.6846', '0.8579', '0.9794'])
  })

  test('reads 50 ms after their update hit, since warms are held until due', async () => {
    if (tape === undefined) return
    const [row] = await rowsOf(tape, { delaysMs: [50], capacity: [0.05] })
    expect(row?.hitRatio).toBeGreaterThanOrEqual(0.97)
    expect(row?.accuracy).toBeGreaterThanOrEqual(0.9)
  })

  test('reads right after their update hit by default, as handlers wait where a read would miss', async () => {
    if (tape === undefined) return
    const [small, large] = await hitRatios(tape, { lookAheads: ['auto'], capacity: [0.01, 0.05] })
    expect(small).toBeGreaterThanOrEqual(0.965)
    expect(large).toBeGreaterThanOrEqual(0.985)
  })

  test('reads right after their update hit if handlers wait for the look-ahead', async () => {
    if (tape === undefined) return
    const [small, large] = await hitRatios(tape, { lookAheads: ['await'], capacity: [0.01, 0.05] })
    expect(small).toBeGreaterThanOrEqual(0.93)
    expect(large).toBeGreaterThanOrEqual(0.976)
  })

  test('warming without look-ahead loses at most half a point against LRU', async () => {
    if (tape === undefined) return
    const capacity = [0.01, 0.05]
    const lru = await hitRatios(tape, { policies: ['lru'], warmings: ['none'], capacity })
    const ours = await hitRatios(tape, { capacity })
    for (const [at, ratio] of ours.entries()) expect(ratio).toBeGreaterThanOrEqual((lru[at] ?? Number.NaN) - 0.005)
  })
})

/** Two events of three pairs, updated by turns, 10 ms apart. */
function turns(rounds: number): PriceTape {
  const reads = [0, 1, 2, 3, 4, 5].map((pair) =>
    Int32Array.from([0, 1, 2].map((i) => Math.floor(pair / 3) * 3 + i).filter((other) => other !== pair)),
  )
  const updates = Int32Array.from({ length: rounds * 6 }, (_, i) => ((i % 2) * 3 + (i >> 1)) % 6)
  return {
    ...{ name: 'here', pairs: 6, updates, reads, unknownUpdates: 0, backwards: 0, unreadable: [] },
    timesUs: Float64Array.from(updates, (_, i) => i * 10_000),
    batches: Int32Array.from(updates, (_, i) => i),
  }
}

/** An update of one of six pairs each second, 1 to 999 ms into it, on which another pair is read. */
function onceASecond(seconds: number): PriceTape {
  const random = mulberry32(1)
  const updates = Int32Array.from({ length: seconds }, (_, second) => second % 6)
  return {
    ...{ name: 'here', pairs: 12, updates, unknownUpdates: 0, backwards: 0, unreadable: [] },
    reads: Array.from({ length: 12 }, (_, pair) => Int32Array.from(pair < 6 ? [pair + 6] : [])),
    timesUs: Float64Array.from(updates, (_, second) => second * 1_000_000 + Math.ceil(random() * 999) * 1000),
    batches: Int32Array.from(updates, (_, i) => i),
  }
}

describe('an update', () => {
  test('gives its pair no slot: only reads do', async () => {
    const [row] = await rowsOf({ ...turns(1), reads: turns(1).reads.map(() => new Int32Array(0)) }, { capacity: [1] })
    expect(row).toMatchObject({ reads: 0, hits: 0, hitRatio: 0, warms: 0 })
  })
})

describe('a warm', () => {
  const capacity = [2 / 3]

  test('that takes longer than the time until its read is not asked for', async () => {
    const [row] = await rowsOf(turns(20), { delaysMs: [30], warmMs: 31, capacity })
    expect(row?.warms).toBe(0)
  })

  test('is not asked for if a node’s timer may be too late, however little a warm takes here', async () => {
    const rows = await rowsOf(turns(20), { delaysMs: [2, 3], warmMs: 0, capacity })
    expect(rows.map(({ warms }) => warms > 0)).toEqual([false, true])
  })

  test('for a read that is too soon for a request is the look-ahead’s', async () => {
    // All updates of one sweep: the first round teaches, the others are fetched ahead.
    const tape = turns(20)
    const batches = tape.batches.map((at) => at - (at % 6))
    const [row] = await rowsOf({ ...tape, batches }, { delaysMs: [2], lookAheads: ['await'], capacity })
    expect(row?.warms).toBeGreaterThan(0)
  })

  test('that takes as long as the time until its read is just in time', async () => {
    const [row] = await rowsOf(turns(20), { delaysMs: [20], warmMs: 20, capacity })
    expect(row?.warmsUsed).toBeGreaterThan(0)
    expect(row?.timeliness).toBe(1)
  })

  test('is late if it was asked for too late', async () => {
    // Handlers don't wait, and the first read after the first window comes at once.
    const [row] = await rowsOf(turns(20), { lookAheads: ['overlap'], capacity })
    expect(row?.timeliness).toBeLessThan(1)
  })

  test('waits for statistics if it is not known to which update a read belongs', async () => {
    const [on, off] = await rowsOf(turns(20), { delaysMs: [20], attributions: ['on', 'off'], capacity })
    expect(on?.warms).toBeGreaterThan(0)
    expect(off?.warms).toBe(0)
  })

  test('is asked for by mined edges from the second minute on', async () => {
    const [row] = await rowsOf(onceASecond(180), { delaysMs: [60], attributions: ['off'], capacity: [4 / 12] })
    expect(row?.warmsUsed).toBeGreaterThan(50)
    expect(row?.accuracy).toBeGreaterThan(0.9)
    expect(row?.coverage).toBeGreaterThan(0.1)
  })

  test('by mined edges needs no second-by-second wait for an update that is decades ahead', async () => {
    const tape = onceASecond(180)
    const timesUs = tape.timesUs.with(-1, 1e15)
    const [row] = await rowsOf({ ...tape, timesUs }, { delaysMs: [60], attributions: ['off'], capacity: [4 / 12] })
    expect(row?.warmsUsed).toBeGreaterThan(50)
  })
})

describe('of the warmings,', () => {
  const of = async (name: WarmingName, policy: PolicyName = 'lru') => {
    const [row] = await rowsOf(turns(400), {
      warmings: [name],
      policies: [policy],
      delaysMs: [20],
      warmMs: 1,
      capacity: [2 / 3],
    })
    return row
  }

  test.each(WARMING_NAMES)('%s has a row on prices whose figures are shares', async (name) => {
    const row = await of(name, 'forewarm')
    expect(row).toMatchObject({ warming: name, reads: 4_800 })
    for (const share of [
      row?.hitRatio,
      row?.accuracy ?? 0,
      row?.timeliness ?? 0,
      row?.pollution ?? 0,
      row?.redundancy ?? 0,
    ]) {
      expect(share).toBeGreaterThanOrEqual(0)
      expect(share).toBeLessThanOrEqual(1)
    }
  })

  test('the oracle misses nothing, and reads L2 once for each miss saved', async () => {
    expect(await of('oracle')).toMatchObject({
      hitRatio: 1,
      accuracy: 1,
      coverage: 1,
      timeliness: 1,
      pollution: undefined,
    })
    expect((await of('oracle'))?.l2ReadsPerSavedMiss).toBe(1)
  })

  test('busiest and random ask for pairs that are resident, and none asks for nothing', async () => {
    for (const name of ['busiest', 'random'] as const) expect((await of(name))?.redundancy).toBeGreaterThan(0)
    expect((await of('none'))?.redundancy).toBeUndefined()
  })
})

describe('the combinations of choices', () => {
  test('are all of them, with capacities innermost', () => {
    const rows = priceCombinations({
      ...{ sizes: sizesOf(100, { slots: [1, 2] }), policies: ['lru', 'forewarm'], warmings: ['none', 'oracle'] },
      ...{ lookAheads: ['off', 'await'], attributions: ['on'], delaysMs: [0, 50], warmMs: 1 },
    })
    expect(rows).toHaveLength(32)
    expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(32)
    expect(rows.slice(0, 2).map(({ slots }) => slots)).toEqual([1, 2])
  })
})

describe('a strategy of one’s own in a simulation', () => {
  const figures = ({ warming: _, seconds: __, ...rest }: SimulationRow) => rest
  /** All candidates, the best first, as the strategy forewarm takes them. */
  const all = ({ candidates }: StrategyContext) => ({
    selected: candidates.toSorted((a, b) => b.estimatedBenefit - a.estimatedBenefit),
    reason: 'all',
  })
  const mine = (select: (context: StrategyContext) => unknown) => ({ name: 'mine', select }) as OwnStrategy
  const choices = { warmings: ['forewarm', 'own'], policies: ['lru', 'forewarm'], delaysMs: [0, 60] } as const

  test.each(['on', 'off'] as const)(
    'gets the figures of the one that chooses alike, with attribution %s',
    async (way) => {
      const tape = onceASecond(400)
      const rows = await rowsOf(tape, { ...choices, attributions: [way], capacity: [1 / 3] }, mine(all))
      const [named, own] = ['forewarm', 'own'].map((name) =>
        rows.filter(({ warming }) => warming === name).map(figures),
      )
      expect(own).toEqual(named)
      expect(rows.some(({ warming, warms }) => warming === 'own' && warms > 0)).toBe(true)
    },
  )

  test('warms less where it selects less, and sees pairs by their names, L1 and the time of the update', async () => {
    const seen: StrategyContext[] = []
    const none = mine((context) => {
      seen.push(context)
      return { selected: [], reason: 'none' }
    })
    const tape = { ...onceASecond(40), names: Array.from({ length: 12 }, (_, pair) => `P${pair}`) }
    const [row] = await rowsOf(tape, { ...choices, warmings: ['own'], delaysMs: [60], capacity: [1 / 3] }, none)
    expect(row).toMatchObject({ warming: 'own', warms: 0 })
    const [context] = seen
    expect(context?.candidates[0]?.pair).toMatch(/^P\d+$/)
    expect(context?.l1).toEqual({ size: 4, capacity: 4 })
    expect(context?.eventTimeMs).toBeGreaterThan(0)
  })

  test('ends the simulation with a sentence when it answers wrongly', async () => {
    const rows = rowsOf(
      onceASecond(40),
      { ...choices, delaysMs: [60], capacity: [1 / 3] },
      mine(() => undefined),
    )
    await expect(rows).rejects.toMatchObject({
      ...{ name: 'SimulationError', code: 'bad-option' },
      message: 'the strategy mine returned nothing instead of { selected, reason }',
    })
  })

  test('has to be given with the warming own, which is for price updates', async () => {
    const rows = rowsOf(onceASecond(4), { warmings: ['own'], capacity: [1] })
    await expect(rows).rejects.toThrow('expected a strategy for the warming own, got none')
  })
})
