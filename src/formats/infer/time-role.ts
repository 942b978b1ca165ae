import type { TimeUnit } from '../time.ts'
import { msOf } from '../time.ts'
import type { Leaf } from './leaves.ts'

const DAY_MS = 24 * 3_600_000
/** Nobody replays older prices as new ones, and no clock is wrong by more. */
const NEAR_MS = 30 * DAY_MS
/** Lines of a file may have been captured long ago. A time in another unit would still be further away. */
const LONG_AGO_MS = 5_000 * DAY_MS
/** One record shows no unit: a time of another kind may look like it. */
const LEAST_RECORDS = 2
const UNITS: readonly TimeUnit[] = ['ms', 's', 'us', 'ns', 'iso']

export interface Timed {
  readonly nearMs: number
  readonly areTimed: boolean
  /** From so many records the values are. One may hold a list of many items. */
  readonly records: number
}

/** The unit in which nearly all values are times about when Kafka got the records; undefined if there is none, or too few. */
export function unitOf(leaf: Leaf, { nearMs, areTimed, records }: Timed): TimeUnit | undefined {
  const values = leaf.values.filter((value) => value !== null)
  if (Math.min(values.length, records) < LEAST_RECORDS) return undefined
  return UNITS.find((unit) => {
    const times = values.map((value) => msOf(value, unit))
    const near = times.filter(
      (time) => typeof time === 'number' && Math.abs(time - nearMs) < (areTimed ? NEAR_MS : LONG_AGO_MS),
    )
    return near.length >= values.length * 0.95
  })
}
