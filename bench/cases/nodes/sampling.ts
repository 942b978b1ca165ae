import { setTimeout as pause } from 'node:timers/promises'
import type { AttachedPrices, Prices } from '../../../index.ts'
import { monotonicMs } from '../../../src/monotonic.ts'
import { chainOf, pairOf } from './market.ts'

/** Reads, side by side. Moments are milliseconds of `monotonicMs`, which all processes of a machine share. */
export interface Sample {
  readonly ranks: number[]
  readonly atMs: number[]
  /** The number of the update that was read; NaN if there was no answer. */
  readonly updates: number[]
  readonly behindMs: number[]
  /** Reads with MAX_BEHIND_MS, and those that were answered 'behind', or not from L1. */
  readonly bounded: number
  readonly unanswered: number
  /** For each new value that appeared in L1 the update's number, then the moment. */
  readonly visible: number[]
}

export interface Sampling {
  readonly ranks: readonly number[]
  /** How often each pair is read in a second. */
  readonly perSecond: number
  readonly forMs: number
}

export const MAX_BEHIND_MS = 100
const STEP_MS = 1

/**
 * Reads the pairs in turn, every millisecond as many as are due: every second round with a bound, the others without, to
 * see what there is. Between reads it looks at L1 by the way of other threads, which is no demand read.
 */
export async function sample(
  prices: Prices,
  l1: AttachedPrices,
  { ranks, perSecond, forMs }: Sampling,
): Promise<Sample> {
  const names = ranks.map((rank) => ({ chain: chainOf(rank), pair: pairOf(rank) }))
  const of: Sample = { ranks: [], atMs: [], updates: [], behindMs: [], bounded: 0, unanswered: 0, visible: [] }
  let [bounded, unanswered] = [0, 0]
  const last = names.map(({ chain, pair }) => updateOf(l1.get(chain, pair)))
  const read = (turn: number): void => {
    const at = turn % names.length
    const { chain, pair } = names[at] as (typeof names)[number]
    if (Math.floor(turn / names.length) % 2 === 1) {
      bounded++
      if (typeof prices.get(chain, pair, { maxBehindMs: MAX_BEHIND_MS }) === 'string') unanswered++
      return
    }
    of.atMs.push(monotonicMs())
    const reading = prices.get(chain, pair)
    of.ranks.push(ranks[at] as number)
    of.updates.push(updateOf(reading))
    of.behindMs.push(typeof reading === 'string' ? Number.NaN : reading.behindMs)
  }
  const look = (): void => {
    const atMs = monotonicMs()
    for (const [at, { chain, pair }] of names.entries()) {
      const update = updateOf(l1.get(chain, pair))
      if (update === last[at] || Number.isNaN(update)) continue
      last[at] = update
      of.visible.push(update, atMs)
    }
  }
  const startMs = performance.now()
  for (let turn = 0; performance.now() - startMs < forMs; await pause(STEP_MS)) {
    look()
    const due = ((performance.now() - startMs) / 1000) * perSecond * names.length
    while (turn < due) read(turn++)
  }
  return { ...of, bounded, unanswered }
}

/** Reads all pairs every millisecond, until all are answered within MAX_BEHIND_MS at a moment after `fromMs`. */
export async function freshAt(
  prices: Prices,
  { ranks, fromMs }: { readonly ranks: readonly number[]; readonly fromMs: number },
): Promise<number> {
  const names = ranks.map((rank) => ({ chain: chainOf(rank), pair: pairOf(rank) }))
  for (;;) {
    const atMs = monotonicMs()
    const behind = names.filter(
      ({ chain, pair }) => typeof prices.get(chain, pair, { maxBehindMs: MAX_BEHIND_MS }) === 'string',
    )
    if (behind.length === 0 && atMs > fromMs) return atMs
    await pause(STEP_MS)
  }
}

function updateOf(reading: ReturnType<Prices['get']>): number {
  return typeof reading === 'string' ? Number.NaN : reading.price
}

/** Reads a second of all pairs in turn, as fast as can be. What else the process has to do comes in between. */
export async function readAll(prices: Prices, { ranks, forMs }: Sampling): Promise<number> {
  const names = ranks.map((rank) => ({ chain: chainOf(rank), pair: pairOf(rank) }))
  let reads = 0
  const startMs = performance.now()
  while (performance.now() - startMs < forMs) {
    for (let round = 0; round < 20; round++) for (const { chain, pair } of names) prices.get(chain, pair)
    reads += 20 * names.length
    await new Promise((resolve) => setImmediate(resolve))
  }
  return (reads * 1000) / (performance.now() - startMs)
}
