import { join } from 'node:path'
import { HOUR_MS } from '../../src/prediction/access-history.ts'
import { mulberry32 } from '../../src/simulate/mulberry32.ts'
import { type PriceTape, readPriceTape } from '../../src/simulate/traffic/price-tape.ts'
import { DATASETS } from './datasets.ts'
import { FIRST_HOUR, LIVED_HOURS, type Pattern, plantedWeeks } from './planted-weeks.ts'
import type { Traffic } from './scheduled.ts'

const DAY = 24
const RECORDED = ['2026-07-10', '2026-07-11', '2026-07-12']
/** Siblings that are read on an update. With more, the same pairs are read more often within a sweep. */
const MAX_READS = 1
const SPACING_US = 50

/** Planted weeks, with each read at a random time of its hour; the days after three weeks are measured, from a Monday. */
export function plantedReads(
  pattern: Pattern,
  { pairs, seed, hours }: { readonly pairs: number; readonly seed: number; readonly hours: number },
): Traffic {
  const weeks = plantedWeeks(pattern, { pairs, seed })
  const random = mulberry32(seed)
  return {
    ...{ names: weeks.names, firstHour: FIRST_HOUR, learned: LIVED_HOURS - DAY, filled: DAY, measured: hours },
    readsIn: (hour) => {
      const reads = [...weeks.in(hour).reads].flatMap((times, pairId) =>
        Array.from({ length: times }, () => ({ pairId, atMs: Math.floor((hour + random()) * HOUR_MS) })),
      )
      return reads.sort((a, b) => a.atMs - b.atMs)
    },
  }
}

/** Three days of price updates, on each of which a sibling is read. Two days are learned from, the third is measured. */
export async function recordedReads(): Promise<Traffic> {
  const ids = new Map<string, number>()
  const names: { pair: string; group: string }[] = []
  const byHour = new Map<number, { pairId: number; atMs: number }[]>()
  for (const day of RECORDED) addDay(await tapeOf(day), { ids, names, byHour })
  const hours = [...byHour.keys()]
  const firstHour = Math.floor(Math.min(...hours) / DAY) * DAY
  return {
    ...{ names, firstHour, learned: DAY, filled: DAY, measured: Math.max(...hours) + 1 - firstHour - 2 * DAY },
    readsIn: (hour) => byHour.get(hour) ?? [],
  }
}

interface Reads {
  readonly ids: Map<string, number>
  readonly names: { pair: string; group: string }[]
  readonly byHour: Map<number, { pairId: number; atMs: number }[]>
}

function addDay({ updates, timesUs, reads, names: called = [] }: PriceTape, { ids, names, byHour }: Reads): void {
  const idOf = (at: number): number => {
    const pair = called[at] ?? ''
    const known = ids.get(pair)
    if (known !== undefined) return known
    ids.set(pair, names.length)
    // A pair's group is named after the first pair of its event.
    const first = Math.min(at, ...(reads[at] ?? []))
    names.push({ pair, group: called[first] ?? pair })
    return names.length - 1
  }
  for (const [at, updated] of updates.entries()) {
    const atMs = Math.floor((timesUs[at] ?? 0) / 1000)
    const hour = Math.floor(atMs / HOUR_MS)
    const its = byHour.get(hour) ?? []
    byHour.set(hour, its)
    for (const pairId of reads[updated] ?? []) its.push({ pairId: idOf(pairId), atMs })
  }
}

function tapeOf(day: string): Promise<PriceTape> {
  const file = (end: string) => join(DATASETS, 'polymarket', `${day}.${end}`)
  const [prices, events] = [file('ndjson.gz'), file('events.csv.gz')]
  return readPriceTape({ prices, events, maxReads: MAX_READS, spacingUs: SPACING_US })
}
