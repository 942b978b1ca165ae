import { pairKey } from '../../schemas/topics.ts'
import { DAY_HOURS } from '../prediction/access-history.ts'
import type { PairReads, PatternsDocument } from '../prediction/patterns-document.ts'
import type { Answer, DayHashes, Part } from './day-hashes.ts'
import { decodeEntry, encodeEntry } from './pattern-entry.ts'

const MOST_READS = 65_535

export interface MergeAsked extends Part {
  /** Nobody will write these entries again. */
  readonly from: readonly string[]
  readonly to: string
  readonly untilMs: number
}

interface PairSum extends Omit<PairReads, 'reads'> {
  /** The reads of each hour of the day. */
  readonly hours: Uint32Array
}

/** Puts one entry in the place of several. False if one of these is gone, or cannot be read. */
export async function mergeEntries(hashes: DayHashes, asked: MergeAsked): Promise<Answer<boolean>> {
  const values: Buffer[] = []
  for (const entry of asked.from) {
    const stored = await hashes.read(asked, entry)
    if (!stored.ok) return stored
    if (stored.value === undefined) return { ok: true, value: false }
    values.push(stored.value)
  }
  const value = await mergedEntry(values, asked.day)
  return value === undefined ? { ok: true, value: false } : hashes.merge(asked, { ...asked, value })
}

/** One entry with the sums of all; undefined if one of them cannot be read, as its reads would be lost. */
export async function mergedEntry(values: readonly Buffer[], day: number): Promise<Buffer | undefined> {
  const sums = new Map<string, PairSum>()
  let firstHour = Number.POSITIVE_INFINITY
  let lastHour = -1
  const take = (document: PatternsDocument) => {
    firstHour = Math.min(firstHour, document.firstHour)
    lastHour = Math.max(lastHour, document.lastHour)
    for (const each of document.pairs) add(sums, each, document.firstHour % DAY_HOURS)
  }
  const asked = { day, now: (day + 1) * DAY_HOURS }
  for (const value of values) if (typeof (await decodeEntry(value, asked, take)) === 'string') return undefined
  return encodeEntry({ firstHour, lastHour, isFinal: true }, eachSum(sums, firstHour % DAY_HOURS))
}

function add(sums: Map<string, PairSum>, { chain, pair, group, reads }: PairReads, from: number): void {
  const key = pairKey(chain, pair)
  const named = { chain, pair, ...(group !== undefined && { group }) }
  const sum = sums.get(key) ?? { ...named, hours: new Uint32Array(DAY_HOURS) }
  sums.set(key, sum)
  for (const [hour, count] of reads) sum.hours[from + hour] = (sum.hours[from + hour] as number) + count
}

function* eachSum(sums: ReadonlyMap<string, PairSum>, from: number): Iterable<PairReads> {
  for (const { hours, ...names } of sums.values()) {
    const reads: [number, number][] = []
    for (const [hour, count] of hours.entries()) if (count > 0) reads.push([hour - from, Math.min(count, MOST_READS)])
    yield { ...names, reads }
  }
}
