import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { PriceUpdate } from '../../index.ts'

/** A recorded day of order-book changes, and which markets belong to the same event. */
export interface Day {
  readonly updates: readonly PriceUpdate[]
  /** The first update of each market. */
  readonly openings: readonly PriceUpdate[]
  /** The other markets of the same event, at most eight, in the order of the file. */
  siblings(pair: string): readonly string[]
}

const MAX_SIBLINGS = 8
const NO_SIBLINGS: readonly string[] = []

/** Undefined if the recordings are missing: they lie beside the project, not in it. */
export function readDay(folder: URL, day: string): Day | undefined {
  const prices = new URL(`${day}.ndjson.gz`, folder)
  const events = new URL(`${day}.events.csv.gz`, folder)
  if (!existsSync(prices) || !existsSync(events)) return undefined
  const updates: PriceUpdate[] = linesOf(prices).map((line) => JSON.parse(line))
  const openings = new Map<string, PriceUpdate>()
  for (const update of updates) if (!openings.has(update.pair)) openings.set(update.pair, update)
  const siblings = siblingsOf(linesOf(events).slice(1))
  return { updates, openings: [...openings.values()], siblings: (pair) => siblings.get(pair) ?? NO_SIBLINGS }
}

/** Lines `pair,event` -> the other pairs of each pair's event. */
function siblingsOf(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const events = new Map<string, string[]>()
  for (const line of lines) {
    const comma = line.indexOf(',')
    const event = line.slice(comma + 1)
    const pairs = events.get(event) ?? []
    pairs.push(line.slice(0, comma))
    events.set(event, pairs)
  }
  const siblings = new Map<string, readonly string[]>()
  for (const pairs of events.values())
    for (const pair of pairs) siblings.set(pair, pairs.filter((other) => other !== pair).slice(0, MAX_SIBLINGS))
  return siblings
}

function linesOf(file: URL): readonly string[] {
  return gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n')
}
