import { partitionName } from '../../partition-name.ts'
import type { StartPosition, TopicPartition } from '../../port.ts'
import { protocolType, toBrokerError } from '../errors.ts'
import type { Cluster } from '../wire/cluster.ts'
import { CODE } from '../wire/codes.ts'
import { errorOfCode } from '../wire/kafkajs.ts'
import { EARLIEST, LATEST, listOffsetsRequest } from '../wire/list-offsets.ts'

export interface Led extends TopicPartition {
  readonly leader: number
}

interface LookUp {
  /** Or EARLIEST, or LATEST. */
  readonly timestampMs: number
  /** Whether LATEST is the stable end or that of the log. Default: the stable one. */
  readonly end?: 'stable' | 'log'
  /** Called for a leader that gives no answer, and for each partition with an error: throws, or these are left out. */
  readonly onFailed?: (error: unknown) => void
}

/** The first offset of each partition at or after the time; undefined where there is none. Default: rejects on any error. */
export async function offsetsAt(
  cluster: Pick<Cluster, 'send'>,
  partitions: readonly Led[],
  { timestampMs, end = 'stable', onFailed = rethrow }: LookUp,
): Promise<Map<string, bigint | undefined>> {
  const offsets = new Map<string, bigint | undefined>()
  const askLeader = async (leader: number, led: readonly Led[]) => {
    const asked = led.map(({ topic, partition }) => ({ topic, partition, timestampMs }))
    const answers = await cluster.send(leader, 'ask', () => listOffsetsRequest(asked, end)).catch(onFailed)
    for (const { error, offset, ...partition } of answers ?? [])
      if (error === CODE.none) offsets.set(partitionName(partition), offset)
      else onFailed(errorOfCode(error))
  }
  const leaders = Map.groupBy(partitions, ({ leader }) => leader)
  await Promise.all([...leaders].map(([leader, led]) => askLeader(leader, led)))
  return offsets
}

function rethrow(error: unknown): never {
  throw error
}

/** Errors of the connection have no type; a broker answers UNKNOWN when it fails in some way that may be over later. */
function rethrowUnlessPassing(error: unknown): void {
  const { code, retriable } = toBrokerError(error, 'looking up offsets')
  if (retriable || (code === 'failed' && (protocolType(error) ?? 'UNKNOWN') === 'UNKNOWN')) return
  throw error
}

export interface StartOptions {
  readonly start: StartPosition
  /** The offset at which each was read or committed last; absent if it never was. */
  readonly known: ReadonlyMap<string, bigint>
  /** A start at offsets or at a time wins over what is known. */
  readonly isMoving: boolean
  /** These did not exist when reading began: they are read from their start. */
  readonly isNew: (partition: TopicPartition) => boolean
  /** These came up while others were read: if they are read from their end, what they hold has been missed. */
  readonly isFound: (partition: TopicPartition) => boolean
}

export interface Start extends Led {
  readonly position: bigint
  readonly stableEnd: bigint
  /** The offset at which reading should have begun, and could not. */
  readonly jumpedFrom: bigint | undefined
}

/**
 * Gives the offset from which each partition is read: what was asked for, or known, as far as it is in the log. Leaves out
 * partitions without a leader, and those whose leader cannot be reached or answers with an error that may pass: the caller
 * asks for them again. Rejects with KafkaJS's errors on any other.
 */
export async function startsOf(
  cluster: Pick<Cluster, 'send'>,
  partitions: readonly Led[],
  options: StartOptions,
): Promise<Start[]> {
  if (partitions.length === 0) return []
  const { start, known, isMoving, isNew, isFound } = options
  const onFailed = rethrowUnlessPassing
  // The ends first: "nothing at or after the time" means from here on, not from a later end.
  const ends = await offsetsAt(cluster, partitions, { timestampMs: LATEST, onFailed })
  const led = partitions.filter((partition) => ends.has(partitionName(partition)))
  const lows = await offsetsAt(cluster, led, { timestampMs: EARLIEST, onFailed })
  const timestampMs = start.at === 'timestamp' ? Math.max(0, start.timestampMs) : undefined
  const found = timestampMs === undefined ? undefined : await offsetsAt(cluster, led, { timestampMs, onFailed })
  // A start may lie behind an open transaction, or behind the stable end as it was a moment ago.
  const limits = await offsetsAt(cluster, led, { timestampMs: LATEST, end: 'log', onFailed })
  const answers = [lows, limits, found ?? limits]
  const named = new Map(start.at === 'offsets' ? start.offsets.map((each) => [partitionName(each), each.offset]) : [])
  const isFromEnd = start.at === 'latest' || (start.at === 'committed' && start.otherwise === 'latest')
  const told = led.filter((partition) => answers.every((offsets) => offsets.has(partitionName(partition))))
  return told.map((partition) => {
    const name = partitionName(partition)
    const low = lows.get(name) ?? 0n
    const stableEnd = ends.get(name) ?? low
    const explicit = start.at === 'timestamp' ? (found?.get(name) ?? stableEnd) : named.get(name)
    const otherwise = isNew(partition) ? low : (explicit ?? (isFromEnd ? stableEnd : low))
    const asked = (isMoving ? explicit : undefined) ?? known.get(name)
    const wanted = asked ?? otherwise
    const position = clamp(wanted, low, limits.get(name) ?? stableEnd)
    if (asked === undefined && isFound(partition) && position > low)
      return { ...partition, position, stableEnd, jumpedFrom: low }
    return { ...partition, position, stableEnd, jumpedFrom: position === wanted ? undefined : wanted }
  })
}

export function clamp(offset: bigint, low: bigint, high: bigint): bigint {
  if (offset < low) return low
  return offset > high ? high : offset
}
