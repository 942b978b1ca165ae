import { DAY_HOURS } from '../prediction/access-history.ts'
import { eachPair, type PairNames } from '../prediction/patterns-document.ts'
import type { Answer, DayHashes, Part } from './day-hashes.ts'
import type { DayReads } from './own-reads.ts'
import { encodeEntry } from './pattern-entry.ts'
import { pairsByShare } from './shares.ts'

export interface DayStoreOptions {
  readonly hashes: DayHashes
  readonly namesOf: (pairId: number) => PairNames
  /** The hashes of the day are gone then, in milliseconds since 1970. */
  readonly untilMs: number
  /** Nobody will write the entries again. */
  readonly isFinal: boolean
}

/** A hash has no more entries: that many processes that ended without closing. */
export const MOST_ENTRIES = 1_024
const DONE = { ok: true, value: undefined } as const

/** Stores the reads of a day, each share of the pairs as an entry, until one fails. */
export async function storeDay(
  { day, entry, reads, shares }: DayReads,
  options: DayStoreOptions,
): Promise<Answer<void>> {
  const { namesOf, isFinal } = options
  const firstHour = Math.max(day * DAY_HOURS, reads.firstHour)
  const lastHour = Math.min((day + 1) * DAY_HOURS - 1, reads.lastHour)
  if (lastHour < firstHour) return DONE
  const hours = { firstHour, lastHour }
  for (const [share, pairIds] of (await pairsByShare(reads, namesOf)).entries()) {
    if (shares?.has(share)) continue
    const value = await encodeEntry({ ...hours, isFinal }, eachPair(reads, namesOf, { ...hours, pairIds }))
    const stored = value === undefined ? DONE : await store({ day, share }, { entry, value }, options)
    if (!stored.ok) return stored
    shares?.add(share)
  }
  return DONE
}

async function store(
  part: Part,
  { entry, value }: { readonly entry: string; readonly value: Buffer },
  { hashes, untilMs }: DayStoreOptions,
): Promise<Answer<void>> {
  const entries = await hashes.entries(part)
  if (!entries.ok) return entries
  if (entries.value.length >= MOST_ENTRIES && !entries.value.includes(entry))
    return { ok: false, reason: `there are ${MOST_ENTRIES} entries already` }
  return hashes.write(part, entry, { value, untilMs })
}
