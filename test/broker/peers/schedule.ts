import {
  CODECS,
  HOLDER,
  type PeerRecord,
  type PeerSchedule,
  type PeerStep,
  PLAIN,
} from '../../harness/peers/java-peer.ts'

export type Random = () => number

/** The numbers of the peer's writers: two for each codec. */
const WRITERS = Array.from({ length: 2 * CODECS.length }, (_, number) => number)
const MOST_PRODUCERS = 8
const LEAST_STEPS = 6
const MOST_STEPS = 36
const MOST_RECORDS = 6
/** Enough for several blocks in a codec that compresses in blocks. */
const LARGE_RECORDS = 1_000
const LARGE_BYTES = 20_000
/** Timestamps lie up to an hour back. The broker refuses those more than an hour ahead. */
const SPREAD_MS = 3_600_000
/** Shaped like the keys of control records: version 0, then abort, commit, or a type that does not exist. */
const MARKER_KEYS = [
  [0, 0, 0, 0],
  [0, 0, 0, 1],
  [0, 0, 0, 2],
  [0, 0],
  [0, 1, 0, 1],
].map((bytes) => Buffer.from(bytes))
/** Shaped like a marker's value: version 0, then the coordinator's epoch. */
const MARKER_VALUE = Buffer.from([0, 0, 0, 0, 0, 0])

export interface ScheduleOptions {
  readonly random: Random
  readonly nowMs: number
  /** Default: random keys, and records without one. */
  readonly keys?: readonly string[]
  readonly mostSteps?: number
}

/**
 * Up to eight transactional producers and a plain one take turns at random in one partition. In some schedules, another
 * producer's transaction stays open.
 */
export function randomSchedule(partition: number, options: ScheduleOptions): PeerSchedule {
  const { random } = options
  const producers = shuffled(WRITERS, random).slice(0, 1 + below(random, MOST_PRODUCERS))
  const open = new Set<number>()
  const steps: PeerStep[] = []
  const holdsFrom = random() < 0.15 ? random() : 1
  const count = LEAST_STEPS + below(random, (options.mostSteps ?? MOST_STEPS) - LEAST_STEPS)
  for (let step = 0; step < count; step++) {
    const by = random() < 0.1 ? PLAIN : step / count >= holdsFrom && random() < 0.2 ? HOLDER : pick(producers, random)
    if (open.has(by) && random() < 0.45) {
      steps.push({ by, end: outcome(random) })
      open.delete(by)
    } else {
      steps.push({ by, records: randomRecords(options) })
      if (by >= 0) open.add(by)
    }
  }
  for (const by of shuffled([...open], random)) steps.push({ by, end: outcome(random) })
  return { partition, steps }
}

function outcome(random: Random): 'commit' | 'abort' {
  return random() < 0.5 ? 'commit' : 'abort'
}

export function randomRecords(options: ScheduleOptions): PeerRecord[] {
  const isLarge = options.random() < 0.02
  const count = 1 + below(options.random, isLarge ? LARGE_RECORDS : MOST_RECORDS)
  return Array.from({ length: count }, () => randomRecord(options))
}

function randomRecord({ random, nowMs, keys }: ScheduleOptions): PeerRecord {
  const key = keys === undefined ? randomKey(random) : Buffer.from(pick(keys, random))
  return {
    key: base64(key),
    value: base64(randomValue(random)),
    headers: random() < 0.7 ? [] : Array.from({ length: 1 + below(random, 3) }, () => randomHeader(random)),
    timestampMs: nowMs - below(random, SPREAD_MS),
  }
}

function randomKey(random: Random): Buffer | null {
  const kind = random()
  if (kind < 0.15) return null
  if (kind < 0.2) return Buffer.alloc(0)
  return kind < 0.45 ? pick(MARKER_KEYS, random) : Buffer.from(`pair-${below(random, 20)}`)
}

function randomValue(random: Random): Buffer | null {
  const kind = random()
  if (kind < 0.12) return null
  if (kind < 0.16) return Buffer.alloc(0)
  if (kind < 0.25) return MARKER_VALUE
  if (kind < 0.35) return Buffer.from(Array.from({ length: below(random, 200) }, () => below(random, 256)))
  if (kind < 0.36) return Buffer.alloc(LARGE_BYTES, `large ${random()} `)
  return Buffer.from(JSON.stringify({ bid: random(), ask: random() }))
}

function randomHeader(random: Random): readonly [string, string | null] {
  const name = pick(['', 'traceparent', 'größe', 'again', 'again'], random)
  const value = random() < 0.2 ? null : Buffer.from('x'.repeat(below(random, 40)))
  return [name, base64(value)]
}

function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64')
}

export function below(random: Random, end: number): number {
  return Math.floor(random() * end)
}

export function pick<T>(items: readonly T[], random: Random): T {
  return items[below(random, items.length)] as T
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items]
  return items.map(() => rest.splice(below(random, rest.length), 1)[0] as T)
}
