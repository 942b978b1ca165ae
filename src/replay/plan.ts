import type { RecordFilter } from './filter.ts'
import type { Moment, ReplayFilters, ReplayOptions, ReplayRange } from './options.ts'
import { MAX_SPEED, MIN_SPEED, type Speed } from './pace.ts'
import { ReplayError } from './replay-error.ts'
import { MOMENT_WORDS, momentMs } from './source/moment.ts'
import { TIMESTAMPS, type Timestamps } from './timestamps.ts'

/** The checked options, with all defaults filled in. */
export interface ReplayPlan {
  readonly filter: RecordFilter
  readonly speed: Speed
  readonly timestamps: Timestamps
  readonly max: number
  readonly passes: number
}

/** Throws `bad-option`. */
export function planOf(options: ReplayOptions): ReplayPlan {
  const { speed = 'max', timestamps = 'keep', loop = 1, filters = {} } = options
  if (speed !== 'max' && !(speed >= MIN_SPEED && speed <= MAX_SPEED))
    throw bad('speed', `a number from ${MIN_SPEED} to ${MAX_SPEED}, or max`, speed)
  if (!TIMESTAMPS.includes(timestamps)) throw bad('timestamps', TIMESTAMPS.join(', '), timestamps)
  if (loop !== true && !isCount(loop)) throw bad('loop', 'a whole number from 1', loop)
  if (filters.max !== undefined && !isCount(filters.max)) throw bad('max', 'a whole number from 1', filters.max)
  return {
    filter: filterOf(options.from, filters),
    speed,
    timestamps,
    max: filters.max ?? Number.POSITIVE_INFINITY,
    passes: loop === true ? Number.POSITIVE_INFINITY : loop,
  }
}

/** Throws `bad-option`. */
export function filterOf(range: ReplayRange, filters: ReplayFilters): RecordFilter {
  const { sample, chains, pairs } = filters
  if (sample !== undefined && !(sample >= 0 && sample <= 1)) throw bad('sample', 'a share from 0 to 1', sample)
  return { ...rangeOf(range), sample, chains: chains && new Set(chains), pairs: pairs && new Set(pairs) }
}

function rangeOf(range: ReplayRange): RecordFilter {
  const { since, until, fromOffset, toOffset, partitions } = range
  const filter = {
    sinceMs: momentOf('since', since),
    untilMs: momentOf('until', until),
    fromOffset: offsetOf('fromOffset', fromOffset),
    toOffset: offsetOf('toOffset', toOffset),
    partitions: partitions && new Set(partitions),
  }
  // With the bounds swapped the range would be empty, as if there were no records.
  if (isEmpty(filter.sinceMs, filter.untilMs)) throw bad('until', `a time after since, ${since}`, until)
  if (isEmpty(filter.fromOffset, filter.toOffset))
    throw bad('toOffset', `more than fromOffset, ${fromOffset}`, toOffset)
  return filter
}

function isEmpty(from: number | bigint | undefined, to: number | bigint | undefined): boolean {
  return from !== undefined && to !== undefined && from >= to
}

function momentOf(name: string, moment: Moment | undefined): number | undefined {
  if (moment === undefined) return undefined
  const ms = momentMs(moment)
  if (ms === undefined) throw bad(name, MOMENT_WORDS, moment)
  return ms
}

function offsetOf(name: string, offset: bigint | number | undefined): bigint | undefined {
  if (offset === undefined) return undefined
  if (offset < 0 || (typeof offset === 'number' && !Number.isInteger(offset)))
    throw bad(name, 'a whole number from 0', offset)
  return BigInt(offset)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1
}

function bad(name: string, allowed: string, received: unknown): ReplayError {
  return new ReplayError('bad-option', `${name}: got ${String(received)}; allowed: ${allowed}`)
}
