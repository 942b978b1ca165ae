import { AccessHistory, HOUR_MS } from '../../src/prediction/access-history.ts'
import { Predictor } from '../../src/prediction/predictor.ts'

/** Monday, 5 January 2026, 00:00 UTC, in hours since 1970. */
export const MONDAY = Date.UTC(2026, 0, 5) / HOUR_MS

export const ms = (hour: number): number => hour * HOUR_MS + 1

/** A history of `hours` from Monday on; `readsAt` gives the reads of each pair in each hour. */
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

export function newPredictor(maxPairs = 100, historyHours = 168, settleHours = 0): Predictor {
  const names: string[] = []
  return new Predictor({
    ...{ maxPairs, historyHours, settleHours },
    namesOf: (pairId) => ({ chain: 'fx', pair: names[pairId] ?? `P${pairId}`, group: pairId < 5 ? 'g' : undefined }),
    idOf: ({ pair }) => {
      const known = names.indexOf(pair)
      if (known >= 0) return known
      return names.length >= maxPairs ? -1 : names.push(pair) - 1
    },
  })
}

/** A predictor after a week in which pair 0 was read every day at nine, and pair 1 every hour. */
export function lived(): Predictor {
  const predictor = newPredictor()
  for (let hour = MONDAY; hour < MONDAY + 168; hour++) {
    if (hour % 24 === 9) predictor.recordAccess(0, ms(hour))
    for (let i = 0; i < 3; i++) predictor.recordAccess(1, ms(hour))
  }
  return predictor
}

/** The pair is read every Monday at five; then time goes on until Friday. */
export function readOnMondays(predictor: Predictor, { pairId, weeks }: { pairId: number; weeks: number }): void {
  for (let week = 0; week < weeks; week++) {
    predictor.recordAccess(pairId, ms(MONDAY + week * 168 + 5))
    predictor.tell(ms(MONDAY + week * 168 + 100))
  }
}
