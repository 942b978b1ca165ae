import { AccessHistory, HOUR_MS } from '../../src/prediction/access-history.ts'

/** Monday, 5 January 2026, 00:00 UTC, in hours since 1970. */
export const MONDAY = Date.UTC(2026, 0, 5) / HOUR_MS

export const ms = (hour: number): number => hour * HOUR_MS + 1

/** A history of `hours` from Monday on, in which each pair is read so often in each hour. */
export function historyOf(hours: number, readsAt: (pairId: number, hour: number) => number, pairs = 1): AccessHistory {
  const history = new AccessHistory({ maxPairs: 100 })
  for (let hour = MONDAY; hour < MONDAY + hours; hour++) {
    history.advance(hour)
    for (let pairId = 0; pairId < pairs; pairId++) {
      const reads = readsAt(pairId, hour - MONDAY)
      if (reads > 0) history.record(pairId, ms(hour), reads)
    }
  }
  return history
}
