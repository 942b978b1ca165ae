import { join } from 'node:path'
import type { PolicyName } from '../../src/simulate/policies/policies.ts'
import type { SimulationRow } from '../../src/simulate/row.ts'
import {
  accessCombinations,
  accessWorkload,
  type PriceChoices,
  priceCombinations,
  priceWorkload,
  simulate as rowsOf,
  sizesOf,
} from '../../src/simulate/simulate.ts'
import { type AccessTrace, readAccesses } from '../../src/simulate/traffic/access-trace.ts'
import { type PriceTape, readPriceTape } from '../../src/simulate/traffic/price-tape.ts'
import type { WarmingName } from '../../src/simulate/warmings/warmings.ts'
import type { Bench, Figure, Ratio } from '../harness/bench.ts'
import { singleRatio } from '../harness/single-ratio.ts'
import type { Stage } from '../stages/stage.ts'
import { DATASETS } from '../traffic/datasets.ts'
import { type Day, dayOf, handedOn, hitRatioOf, readsUntil } from './parts/second-day.ts'

/** What warming would save on recorded traffic, deterministic and so run once, and how long a simulation takes. */
export const simulate: Bench = { name: 'simulate', readsDatasets: true, cases }

const SEED = 1
const CAPACITY = [0.01, 0.05, 0.1, 0.2]

/** Anchors at 1, 5, 10 and 20 % of the keys (README.md of the recorded data). */
const ELSEWHERE = [
  // The best of eight policies and prefetchers in libCacheSim, column by column.
  { trace: 'orm-busy', anchor: 'best elsewhere', hitRatios: [0.9029, 0.9323, 0.9436, 0.9567] },
  { trace: 'multi3', anchor: 'best elsewhere', hitRatios: [0.2155, 0.3734, 0.4699, 0.5518] },
  // There is nothing to predict here: warming must cost nothing.
  { trace: 'web12', anchor: 'SIEVE elsewhere', hitRatios: [0.4035, 0.6355, 0.7168, 0.7746] },
] as const
/** The simulator's LRU and SIEVE must hit what libCacheSim's hit, without warming. */
const CALIBRATION = [
  { policy: 'lru', hitRatios: [0.7703, 0.8413, 0.8801, 0.9212] },
  { policy: 'sieve', hitRatios: [0.7053, 0.8389, 0.8811, 0.9239] },
] as const
/** The least share of warms read if warming helps: less is not worth the reads of L2. */
const WORTHWHILE = { accesses: 0.35, attributed: 0.9 }
const MAX_READS = 8
/** To mine a day of sweeps takes minutes: one capacity is enough without attribution. */
const DAYS = ['2026-07-10', '2026-07-11', '2026-07-12']
const STEADY_SHARE = 0.85
const MINED_CAPACITY = 0.05
const SPACING_US = 50
const HELD = 'read after 50 ms'
const DEFAULT = 'read at once, all defaults'
const AWAITED = 'read at once, look-ahead awaited'

async function* cases(stage: Stage): AsyncIterable<Figure> {
  for (const { trace, anchor, hitRatios } of ELSEWHERE) {
    const recorded = await traceOf(trace, stage)
    const rows = await onAccesses(recorded, 'forewarm', 'forewarm')
    for (const [at, { slots, hitRatio }] of rows.entries())
      yield singleRatio({ case: `${trace}, ${slots} slots`, unit: 'hit ratio', anchor }, hitRatio, hitRatios[at])
    if (trace !== 'orm-busy') continue
    yield { kind: 'value', case: `${trace}, cost of an access`, unit: 'µs', value: microsecondsOf(rows) }
    for (const { slots, accuracy } of rows) yield warmsRead(`${trace}, ${slots} slots`, accuracy, WORTHWHILE.accesses)
    yield* calibrated(trace, recorded)
  }
  const tapes = await Promise.all(DAYS.map((day) => tapeOf(day, stage)))
  for (const [at, tape] of tapes.entries()) yield* onPrices(DAYS[at] ?? '', tape)
  yield* onSecondDay(tapes)
}

async function* calibrated(name: string, trace: AccessTrace): AsyncIterable<Figure> {
  for (const { policy, hitRatios } of CALIBRATION)
    for (const [at, { slots, hitRatio }] of (await onAccesses(trace, policy, 'none')).entries()) {
      const value = Math.abs(hitRatio - (hitRatios[at] ?? Number.NaN))
      yield { kind: 'value', case: `${name}, ${slots} slots, ${policy}: off libCacheSim`, unit: 'hit ratio', value }
    }
}

async function onAccesses(
  trace: AccessTrace,
  policy: PolicyName,
  warming: WarmingName,
): Promise<readonly SimulationRow[]> {
  const combinations = accessCombinations({
    sizes: sizesOf(trace.keys, { capacity: CAPACITY }),
    policies: [policy],
    warmings: [warming],
  })
  return all(rowsOf(accessWorkload(trace, SEED), combinations))
}

/** A node that begins with the second day, and one that has what another learned on the first. */
function* onSecondDay([first, second]: readonly PriceTape[]): Iterable<Figure> {
  if (first === undefined || second === undefined) return
  for (const capacity of [0.01, 0.05]) {
    const options = { delayMs: 0, seed: SEED }
    const learned = dayOf(first, { ...options, slots: Math.round(first.pairs * capacity) })
    const slots = Math.round(second.pairs * capacity)
    const cold = dayOf(second, { ...options, slots })
    const restored = dayOf(second, { ...options, slots, waiting: handedOn(learned, first, second) })
    const what = (name: string) => ({ case: `second day, ${capacity * 100} % of pairs, ${name}`, anchor: 'restored' })
    const untilSteady = (day: Day) => readsUntil(day.hits, STEADY_SHARE)
    yield singleRatio(
      { ...what('reads until 85 % of the steady hit ratio, cold'), unit: 'reads' },
      untilSteady(cold),
      untilSteady(restored),
    )
    yield singleRatio(
      { ...what('hit ratio, restored'), unit: 'hit ratio', anchor: 'cold' },
      hitRatioOf(restored),
      hitRatioOf(cold),
    )
  }
}

async function* onPrices(day: string, tape: PriceTape): AsyncIterable<Figure> {
  const run = (choices: Partial<PriceChoices>) => pricesRun(tape, choices)
  const lru = await run({ policies: ['lru'], warmings: ['none'] })
  const held = await run({ delaysMs: [50] })
  const sizes = sizesOf(tape.pairs, { capacity: [MINED_CAPACITY] })
  const [mined] = await run({ delaysMs: [50], attributions: ['off'], sizes })
  const awaited = await run({ lookAheads: ['await'] })
  const auto = await run({ lookAheads: ['auto'] })
  const off = await run({})
  for (const [at, { capacity, hitRatio }] of lru.entries()) {
    const share = `${capacity * 100} % of pairs`
    const against = (row: SimulationRow | undefined, name: string) => {
      const what = { case: `${day}, ${share}, ${name}`, unit: 'hit ratio', anchor: 'LRU, no warming' }
      return singleRatio(what, row?.hitRatio, hitRatio)
    }
    yield against(held[at], HELD)
    if (capacity === MINED_CAPACITY) yield against(mined, `${HELD}, not attributed`)
    yield against(auto[at], DEFAULT)
    yield against(awaited[at], AWAITED)
    yield against(off[at], 'read at once, no look-ahead')
    yield warmsRead(`${day}, ${share}, ${HELD}`, held[at]?.accuracy, WORTHWHILE.attributed)
    yield warmsRead(`${day}, ${share}, ${AWAITED}`, awaited[at]?.accuracy, WORTHWHILE.attributed)
  }
}

function warmsRead(where: string, accuracy: number | undefined, worthwhile: number): Ratio {
  return singleRatio({ case: `${where}, warms read`, unit: 'share', anchor: 'worthwhile' }, accuracy, worthwhile)
}

async function pricesRun(tape: PriceTape, choices: Partial<PriceChoices>): Promise<readonly SimulationRow[]> {
  const combinations = priceCombinations({
    ...{ policies: ['forewarm'], warmings: ['forewarm'], lookAheads: ['off'], attributions: ['on'] },
    ...{ delaysMs: [0], warmMs: 1, sizes: sizesOf(tape.pairs, { capacity: [0.01, 0.05] }) },
    ...choices,
  })
  return all(rowsOf(priceWorkload(tape, SEED), combinations))
}

/** Time a read of the whole simulation; the file was read before. */
function microsecondsOf(rows: readonly SimulationRow[]): number {
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0)
  return (seconds * 1e6) / rows.reduce((sum, { reads }) => sum + reads, 0)
}

async function traceOf(name: string, stage: Stage): Promise<AccessTrace> {
  const trace = await readAccesses(join(DATASETS, 'access', `${name}.txt.gz`))
  return { ...trace, accesses: trace.accesses.subarray(0, stage.amount(Number.POSITIVE_INFINITY, 200_000)) }
}

async function tapeOf(day: string, stage: Stage): Promise<PriceTape> {
  const [prices, events] = ['ndjson.gz', 'events.csv.gz'].map((end) => join(DATASETS, 'polymarket', `${day}.${end}`))
  const tape = await readPriceTape({
    ...{ prices: prices ?? '', events: events ?? '' },
    ...{ maxReads: MAX_READS, spacingUs: SPACING_US },
  })
  return { ...tape, updates: tape.updates.subarray(0, stage.amount(Number.POSITIVE_INFINITY, 20_000)) }
}

async function all(rows: AsyncIterable<SimulationRow>): Promise<readonly SimulationRow[]> {
  const collected: SimulationRow[] = []
  for await (const row of rows) collected.push(row)
  return collected
}
