import { setTimeout as pause } from 'node:timers/promises'
import type { Figure } from '../../harness/bench.ts'
import { quantile } from '../../harness/quantile.ts'
import { number } from '../../harness/table.ts'
import type { Stage } from '../../stages/stage.ts'
import type { Fleet } from './fleet.ts'
import { type Judged, judged, ledgerOf } from './ledger.ts'
import { type Layout, zipfShare } from './market.ts'
import { MAX_BEHIND_MS, type Sample } from './sampling.ts'

const FOREIGN_READS_A_SECOND = 100
/** The owner reads its own pairs, too, to see their bounds. */
const FOLLOWED_READS_A_SECOND = 10
/** Owners set their marks once a second until they hear that somebody reads them. */
const WARM_UP_MS = 3_000
const HANDLED_MS = 500

export interface Load {
  readonly layout: Layout
  /** Updates that the owner gets. */
  readonly perSecond: number
}

/** Runs the feed at a rate that gives the owner so many updates a second, while the body runs. */
export async function underLoad<T>(
  { feed, owned }: Fleet,
  { layout, perSecond }: Load,
  body: () => Promise<T>,
): Promise<T> {
  feed.start(perSecond / zipfShare(layout.pairs, owned))
  try {
    return await body()
  } finally {
    await feed.stop()
  }
}

/** How fresh the reads of pairs are that the owner follows: its own, and those of one reader. */
export async function freshness(stage: Stage, fleet: Fleet, load: Load): Promise<readonly Figure[]> {
  const { owner, feed, read } = fleet
  const [reader] = fleet.readers
  if (reader === undefined) throw new Error('no reader was started')
  const reading = { ranks: read, perSecond: FOREIGN_READS_A_SECOND, forMs: stage.amount(10_000, 600) }
  const [foreign, followed] = await underLoad(fleet, load, async () => {
    await reader.do('sample', { ...reading, forMs: stage.amount(WARM_UP_MS, WARM_UP_MS / 2) })
    await owner.do('handled')
    const own = owner.do('sample', { ...reading, perSecond: FOLLOWED_READS_A_SECOND })
    return [await reader.do('sample', reading), await own] as const
  })
  await pause(HANDLED_MS)
  const ledger = ledgerOf(feed, await owner.do('handled'))
  const own = boundsOf(`of followed pairs, ${where(load)}`, judged(ledger, followed))
  return [...figuresOf(load, foreign, judged(ledger, foreign)), ...own]
}

function where({ layout, perSecond }: Load): string {
  return `${layout.name}, ${number(perSecond)}/s`
}

function* figuresOf(load: Load, { bounded, unanswered }: Sample, found: Judged): Iterable<Figure> {
  const at = where(load)
  yield value(`visible in the reader's L1, p50, ${at}`, 'ms', quantileOf(found.visibleMs, 0.5))
  yield value(`visible in the reader's L1, p99, ${at}`, 'ms', quantileOf(found.visibleMs, 0.99))
  yield value(`read behind the owner, p99, ${at}`, 'ms', quantileOf(found.behindMs, 0.99))
  yield value(`not answered from L1 with maxBehindMs ${MAX_BEHIND_MS}, ${at}`, '%', (100 * unanswered) / bounded)
  yield* boundsOf(`of foreign pairs, ${at}`, found)
}

function* boundsOf(what: string, { boundMs, falseBounds }: Judged): Iterable<Figure> {
  yield value(`behindMs ${what}, p50`, 'ms', quantileOf(boundMs, 0.5))
  yield value(`behindMs ${what}, p99`, 'ms', quantileOf(boundMs, 0.99))
  const infinite = boundMs.filter((bound) => bound === Number.POSITIVE_INFINITY).length
  yield value(`behindMs unknown ${what}`, '%', (100 * infinite) / boundMs.length)
  yield value(`behindMs too small ${what}`, 'reads', falseBounds)
}

export function value(name: string, unit: string, figure: number): Figure {
  return { kind: 'value', case: name, unit, value: figure }
}

/** Infinity if nothing has happened. */
function quantileOf(values: readonly number[], q: number): number {
  return values.length === 0 ? Number.POSITIVE_INFINITY : quantile(values, q)
}
