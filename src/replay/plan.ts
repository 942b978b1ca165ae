import { callable, faultOf, milliseconds, type OptionsOf } from '../config/options.ts'
import { Formats } from '../formats/formats.ts'
import { nearest } from '../nearest.ts'
import type { RecordFilter } from './filter.ts'
import type { Moment, ReplayFilters, ReplayFrom, ReplayOptions, ReplayRange, ReplayTo } from './options.ts'
import { MAX_SPEED, MIN_SPEED, type Speed } from './pace.ts'
import { ReplayError } from './replay-error.ts'
import type { InProcessSink } from './sink/process.ts'
import { MOMENT_WORDS, momentMs } from './source/moment.ts'
import { TIMESTAMPS, type Timestamps } from './timestamps.ts'

/** The checked options, with all defaults filled in. */
export interface ReplayPlan {
  readonly filter: RecordFilter
  readonly speed: Speed
  readonly timestamps: Timestamps
  readonly max: number
  readonly passes: number
  readonly formats: Formats | undefined
}

export const RANGE = { since: true, until: true, fromOffset: true, toOffset: true, partitions: true } as const
const FROM: OptionsOf<ReplayFrom> = { topic: true, file: true, ...RANGE }
const TO: OptionsOf<ReplayTo> = {
  ...{ broker: true, partitions: true, topicPrefix: true, topic: true, inProcess: true, clock: true },
  ...{ stdout: true, format: true },
}
const TARGETS = ['topicPrefix', 'topic', 'inProcess', 'stdout'] as const
const OPTIONS: OptionsOf<ReplayOptions> = {
  ...{ from: FROM, to: TO, filters: { pairs: true, chains: true, sample: true, max: true } },
  ...{ broker: true, speed: true, timestamps: true, loop: true, verifyHash: true, protectedClusters: true },
  ...{ force: true, reallyForce: true, signal: true, onStart: true, onWarning: true, onBadLine: true, time: true },
  formats: true,
  stallMs: milliseconds,
}

function assertKnown({ from, to, verifyHash, ...options }: ReplayOptions): void {
  const fault = faultOf('replay', { from, to, verifyHash, ...options }, OPTIONS)
  if (fault !== undefined) throw new ReplayError('bad-option', fault)
  const given = Object.keys(to).filter((name) => TARGETS.some((target) => target === name))
  if (given.length !== 1) throw bad('to', `one of ${TARGETS.join(', ')}`, given.join(' and ') || 'none')
  if ('topic' in from && 'file' in from) throw bad('from', 'a topic or a file', 'both')
  // Without a hash to compare with, whatever came out would be as expected.
  if (verifyHash !== undefined && verifyHash !== true && typeof verifyHash !== 'string')
    throw bad('verifyHash', 'true, or the expected hash', verifyHash)
  if ('inProcess' in to) assertSink(to.inProcess)
}

const SINK: OptionsOf<InProcessSink> = {
  ...{ open: callable, apply: callable, flush: callable, stateHash: callable, timeoutMs: milliseconds },
}

/** A sink may have members of its own. Those that look like misspelt ones of ours are refused. */
function assertSink(sink: InProcessSink): void {
  if (typeof sink !== 'object' || sink === null) throw bad('to.inProcess', 'an object with apply', sink)
  const { open, apply, flush, stateHash, timeoutMs } = sink
  const misspelt = Object.fromEntries(Object.entries(sink).filter(([name, value]) => isMisspelt(name, value)))
  const fault = faultOf('replay: to.inProcess', { open, apply, flush, stateHash, timeoutMs, ...misspelt }, SINK)
  if (fault !== undefined) throw new ReplayError('bad-option', fault)
  if (apply === undefined) throw bad('to.inProcess.apply', callable.allowed, apply)
}

/** Whether a name is nearly that of a member, and has the same kind of value: a count named `applied` is none. */
function isMisspelt(name: string, value: unknown): boolean {
  const meant = nearest(name, Object.keys(SINK))
  return meant !== undefined && meant !== name && (typeof value === 'function') === (meant !== 'timeoutMs')
}

/** Throws `bad-option`. */
export function planOf(options: ReplayOptions): ReplayPlan {
  assertKnown(options)
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
    formats: options.formats && new Formats(options.formats),
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
