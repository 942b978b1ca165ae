import type { LeaderRecord } from '../../../schemas/correlations/leader-record.ts'
import { edgesOf, recordOf } from '../../../src/correlation/kept/leader-record.ts'
import type { WaitingEdges } from '../../../src/correlation/leader-edges.ts'
import { createPolicy } from '../../../src/simulate/policies/policies.ts'
import { PriceRun } from '../../../src/simulate/price-run.ts'
import { Tally } from '../../../src/simulate/tally.ts'
import type { PriceTape } from '../../../src/simulate/traffic/price-tape.ts'
import { AttributedWarming } from '../../../src/simulate/warmings/attributed.ts'

export interface DayOptions {
  readonly slots: number
  readonly delayMs: number
  readonly seed: number
  readonly waiting?: WaitingEdges
}

/** What a day's run has learned, and its hits. */
export interface Day {
  readonly warming: AttributedWarming
  /** For each so many reads, how many of them hit. */
  readonly hits: readonly number[]
}

/** Hits are counted for each so many reads. */
export const WINDOW_READS = 250

/** Runs a day by the default strategy and look-ahead. */
export function dayOf(tape: PriceTape, { slots, delayMs, seed, waiting }: DayOptions): Day {
  const tally = new Tally(createPolicy('forewarm', { slots, pairs: tape.pairs }), tape.pairs)
  const learned = waiting === undefined ? {} : { waiting }
  const options = { tape, tally, seed, warmMs: 1, lookAhead: 'auto', attribution: 'on', ...learned } as const
  const warming = new AttributedWarming('forewarm', options)
  const run = new PriceRun({ tape, tally, warming, delayMs })
  const hits: number[] = []
  let last = { reads: 0, hits: 0 }
  for (let end = 1; end <= run.length; end++) {
    run.advance(end)
    if (tally.counts.reads - last.reads < WINDOW_READS) continue
    hits.push((WINDOW_READS * (tally.counts.hits - last.hits)) / (tally.counts.reads - last.reads))
    last = { reads: tally.counts.reads, hits: tally.counts.hits }
  }
  return { warming, hits }
}

/** What a day's tracker has learned, written into records and read from them by the numbers of another day. */
export function handedOn({ warming: { tracker } }: Day, from: PriceTape, to: PriceTape): WaitingEdges {
  const ids = new Map(to.names?.map((name, id) => [name, id]))
  const names = {
    namesOf: (pairId: number) => ({ chain: 'chain', pair: from.names?.[pairId] ?? '' }),
    idOf: (_: string, pair: string) => ids.get(pair) ?? -1,
  }
  const records = new Map<number, { readonly pair: string; readonly record: LeaderRecord }>()
  for (let place = 0; place < tracker.places; place++) {
    const leader = tracker.pairAt(place)
    const edges = leader < 0 ? undefined : tracker.learnedOf(leader)
    const pair = from.names?.[leader] ?? ''
    const id = ids.get(pair)
    if (edges !== undefined && id !== undefined)
      records.set(id, { pair, record: recordOf(leader, edges, 'first', names) })
  }
  return {
    get size() {
      return records.size
    },
    take: (leader) => {
      const found = records.get(leader)
      records.delete(leader)
      return found && edgesOf({ chain: 'chain', pair: found.pair }, found.record, names)
    },
  }
}

/** How many reads it takes until as many of a window's reads hit as a share of the steady ratio asks for. */
export function readsUntil(hits: readonly number[], share: number): number {
  const late = hits.slice(hits.length / 2)
  const steady = late.reduce((sum, each) => sum + each, 0) / late.length
  const at = hits.findIndex((each) => each >= share * steady)
  return (at + 1) * WINDOW_READS
}

/** The share of all reads that hit. */
export function hitRatioOf({ hits }: Day): number {
  return hits.reduce((sum, each) => sum + each, 0) / (hits.length * WINDOW_READS)
}
