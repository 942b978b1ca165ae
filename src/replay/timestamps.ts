import type { WrittenAt } from '../broker/topic-times.ts'
import type { Formats } from '../formats/formats.ts'
import { contentOf } from './content.ts'
import { positionReason, type RecordFilter, selectContent } from './filter.ts'
import type { ReplayTime, Speed } from './pace.ts'
import type { ReplaySource } from './source/source.ts'

/**
 * `keep`: records and event times as they are. `shift`: all later by the same amount, so that the first record is at the
 * present time and the distances stay. `now`: each record gets the time at which it is replayed. Event times in price
 * updates and the times of warm requests move with their record's timestamp, so that ages and versions stay right.
 */
export const TIMESTAMPS = ['keep', 'shift', 'now'] as const
/** Which times the replayed records get. */
export type Timestamps = (typeof TIMESTAMPS)[number]

/** Tells the timestamp that each record is replayed with. */
export class TimestampShift {
  readonly #mode: Timestamps
  readonly #time: ReplayTime
  /** The time added in this pass; known from its first record on. */
  #shiftMs: number | undefined
  /** The latest timestamp so far: the next pass begins after it. */
  #latestMs = Number.NEGATIVE_INFINITY

  constructor(mode: Timestamps, time: ReplayTime) {
    this.#mode = mode
    this.#time = time
  }

  at(timestampMs: number): number {
    switch (this.#mode) {
      case 'keep':
        return timestampMs
      case 'now':
        return this.#time.now()
      case 'shift': {
        this.#shiftMs ??= Math.max(this.#time.now(), this.#latestMs + 1) - timestampMs
        const shifted = timestampMs + this.#shiftMs
        this.#latestMs = Math.max(this.#latestMs, shifted)
        return shifted
      }
    }
  }

  /** To be called before the first record of a pass. */
  restart(): void {
    this.#shiftMs = undefined
  }
}

/** The earliest and the latest record of a source topic, as a replay will write them. */
export interface WrittenTimes {
  readonly first: WrittenAt
  readonly last: WrittenAt
}

export interface WrittenTimesOptions {
  readonly formats?: Formats | undefined
  readonly filter: RecordFilter
  readonly max: number
  readonly speed: Speed
  readonly timestamps: Timestamps
  readonly nowMs: number
  readonly signal: AbortSignal
}

/** For the first pass of a replay that begins now, by source topic. Topics without a record that passes are left out. */
export async function writtenTimes(
  source: ReplaySource,
  { filter, formats, max, speed, timestamps, nowMs, signal }: WrittenTimesOptions,
): Promise<ReadonlyMap<string, WrittenTimes>> {
  const times = new Map<string, { firstMs: number; lastMs: number }>()
  let taken = 0
  for await (const records of source.preview?.(signal, max) ?? source.read(signal)) {
    if ((await formats?.ready(records, signal)) === false) break
    for (const record of records) {
      const { topic, timestampMs } = record
      if (taken >= max) break
      if (
        positionReason(record, filter) !== undefined ||
        !selectContent(record, contentOf(record, formats), filter).pass
      )
        continue
      taken++
      const { firstMs = timestampMs, lastMs = timestampMs } = times.get(topic) ?? {}
      times.set(topic, { firstMs: Math.min(firstMs, timestampMs), lastMs: Math.max(lastMs, timestampMs) })
    }
  }
  const beginMs = Math.min(...[...times.values()].map(({ firstMs }) => firstMs))
  const written = (timestampMs: number): WrittenAt => ({
    timestampMs: timestamps === 'shift' ? timestampMs - beginMs + nowMs : timestampMs,
    atMs: speed === 'max' ? nowMs : nowMs + (timestampMs - beginMs) / speed,
  })
  return new Map(
    [...times].map(([topic, { firstMs, lastMs }]) => [topic, { first: written(firstMs), last: written(lastMs) }]),
  )
}
