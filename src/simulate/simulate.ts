import { setImmediate as breath } from 'node:timers/promises'
import type { OwnStrategy } from '../strategy/own-strategy.ts'
import { AccessRun } from './access-run.ts'
import { createPolicy, type PolicyName } from './policies/policies.ts'
import { PriceRun } from './price-run.ts'
import { type Combination, rowOf, type SimulationRow } from './row.ts'
import type { Run } from './run.ts'
import { SimulationError } from './simulation-error.ts'
import { Tally } from './tally.ts'
import type { AccessTrace } from './traffic/access-trace.ts'
import type { PriceTape } from './traffic/price-tape.ts'
import { accessWarming } from './warmings/access.ts'
import { priceWarming } from './warmings/named-price.ts'
import type { WarmingName } from './warmings/warmings.ts'

/** The traffic that combinations run on. */
export interface Workload {
  readonly input: string
  /** Distinct keys; a capacity is a share of them. */
  readonly keys: number
  start(combination: Combination): Run
}

export interface SimulationOptions {
  readonly signal?: AbortSignal
  /** Called with the share that is done of all combinations, 0 to 1. */
  readonly onProgress?: (fraction: number) => void
  /** Called in even steps of each combination. */
  readonly onSample?: (combination: Combination, sample: Sample) => void
}

/** Totals since the start of a combination. */
export interface Sample {
  /** The share of the accesses or updates that is done, 0 to 1. */
  readonly fraction: number
  readonly reads: number
  readonly hits: number
}

/** The most accesses or updates between two looks at the signal. */
const MAX_STEP = 20_000
/** Enough points for a chart over time. */
const MIN_STEPS = 100

/** A row for each combination, in order. Rejects with the signal's reason when it is aborted. */
export async function* simulate(
  workload: Workload,
  combinations: readonly Combination[],
  { signal, onProgress, onSample }: SimulationOptions = {},
): AsyncGenerator<SimulationRow> {
  /** Misses without warming, by the rest of the combination. */
  const unwarmed = new Map<string, number>()
  for (const [done, combination] of combinations.entries()) {
    const { counts, seconds } = await finished(workload.start(combination), signal, (sample) => {
      onProgress?.((done + sample.fraction) / combinations.length)
      onSample?.(combination, sample)
    })
    const without: Combination = { ...combination, warming: 'none' }
    const key = JSON.stringify({ ...without, lookAhead: 'off', attribution: 'off' })
    if (combination.warming === 'none') unwarmed.set(key, counts.reads - counts.hits)
    let missesUnwarmed = unwarmed.get(key)
    if (missesUnwarmed === undefined) {
      const other = await finished(workload.start(without), signal)
      missesUnwarmed = other.counts.reads - other.counts.hits
      unwarmed.set(key, missesUnwarmed)
    }
    yield rowOf({ input: workload.input, combination, counts, missesUnwarmed, seconds })
  }
}

async function finished(run: Run, signal: AbortSignal | undefined, onSample?: (sample: Sample) => void) {
  const step = Math.min(MAX_STEP, Math.ceil(run.length / MIN_STEPS))
  let ms = 0
  for (let end = step; ; end += step) {
    const startMs = performance.now()
    run.advance(Math.min(end, run.length))
    ms += performance.now() - startMs
    const { reads, hits } = run.counts
    onSample?.({ fraction: Math.min(end, run.length) / run.length, reads, hits })
    if (end >= run.length) break
    await breath()
    signal?.throwIfAborted()
  }
  return { counts: run.counts, seconds: ms / 1000 }
}

export function accessWorkload(trace: AccessTrace, seed: number): Workload {
  return {
    input: trace.name,
    keys: trace.keys,
    start: ({ policy, slots, warming }) => {
      const tally = new Tally(createPolicy(policy, { slots, pairs: trace.keys }), trace.keys)
      return new AccessRun(trace, tally, accessWarming(warming, { trace, tally, seed }))
    },
  }
}

/** Slots with their share of the keys, from either of the two. Throws `bad-option`. */
export function sizesOf(
  keys: number,
  given: { readonly capacity: readonly number[] } | { readonly slots: readonly number[] },
): readonly { readonly capacity: number; readonly slots: number }[] {
  if ('slots' in given) return given.slots.map((slots) => ({ capacity: slots / keys, slots: checked(slots, keys) }))
  return given.capacity.map((capacity) => ({ capacity, slots: checked(Math.round(capacity * keys), keys, capacity) }))
}

function checked(slots: number, keys: number, capacity?: number): number {
  if (Number.isInteger(slots) && slots >= 1 && slots <= keys) return slots
  const given = capacity === undefined ? '' : ` (${capacity} of ${keys} keys)`
  throw new SimulationError('bad-option', `expected 1 to ${keys} slots, at most one a key; got ${slots}${given}`)
}

export interface Choices {
  readonly sizes: readonly { readonly capacity: number; readonly slots: number }[]
  readonly policies: readonly PolicyName[]
  readonly warmings: readonly WarmingName[]
}

/** On price updates there are more choices: how reads follow updates. */
export interface PriceChoices extends Choices {
  readonly lookAheads: readonly Combination['lookAhead'][]
  readonly attributions: readonly Combination['attribution'][]
  readonly delaysMs: readonly number[]
  readonly warmMs: number
}

/** Every policy with every warming. An access is its own trigger, reads belong to no update, and a warm takes no time. */
export function accessCombinations(choices: Choices): readonly Combination[] {
  return priceCombinations({ ...choices, lookAheads: ['off'], attributions: ['off'], delaysMs: [0], warmMs: 0 })
}

/** Every policy with every warming, look-ahead, attribution and delay. */
export function priceCombinations(choices: PriceChoices): readonly Combination[] {
  const { policies, warmings, sizes, lookAheads, attributions, delaysMs, warmMs } = choices
  let combinations: Partial<Combination>[] = [{ warmMs }]
  const timesEach = (values: readonly Partial<Combination>[]): void => {
    combinations = combinations.flatMap((before) => values.map((value) => ({ ...before, ...value })))
  }
  timesEach(delaysMs.map((delayMs) => ({ delayMs })))
  timesEach(policies.map((policy) => ({ policy })))
  timesEach(warmings.map((warming) => ({ warming })))
  timesEach(lookAheads.map((lookAhead) => ({ lookAhead })))
  timesEach(attributions.map((attribution) => ({ attribution })))
  timesEach(sizes)
  return combinations as Combination[]
}

/** `own`: the strategy of the warming `own`. */
export function priceWorkload(tape: PriceTape, seed: number, own?: OwnStrategy): Workload {
  return {
    input: tape.name,
    keys: tape.pairs,
    start: ({ policy, slots, warming, lookAhead, attribution, delayMs, warmMs }) => {
      const tally = new Tally(createPolicy(policy, { slots, pairs: tape.pairs }), tape.pairs)
      const options = { tape, tally, seed, own, warmMs, lookAhead, attribution }
      return new PriceRun({ tape, tally, warming: priceWarming(warming, options), delayMs })
    },
  }
}
