import { partitionName } from '../../partition-name.ts'
import type { BrokerEvent, TopicPartition } from '../../port.ts'
import { messageOf } from '../errors.ts'
import { type Cluster, versionOf } from '../wire/cluster.ts'
import { CODE } from '../wire/codes.ts'
import { FETCH, type FetchedPartition, fetchRequest, WITH_TOPIC_IDS } from '../wire/fetch.ts'
import { errorOfCode } from '../wire/kafkajs.ts'
import { FailingPartitions } from './failing.ts'
import type { Partition } from './partition.ts'
import { type DecodedRecords, decodeRecords } from './record-batches.ts'
import { AnswerMemory, ColumnBatch } from './record-columns.ts'

export interface FetchLoopOptions {
  readonly cluster: Cluster
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly maxBytesPerPartition: number
  /** Handlers keep no bytes of a batch that they have handled. */
  readonly reusesMemory: boolean
  /** Some partition is led by another broker, or its topic is not what it was. */
  readonly onMoved: () => void
  /** The place of the partition is not in its log. */
  readonly onOutOfRange: (partition: Partition) => void
  readonly onEvent: (event: BrokerEvent) => void
  /** Called with whether the topic may be read. */
  readonly onAccess: (topic: string, isAllowed: boolean) => void
  /** A broker cannot be reached, or answers with an error: asked again after a while. */
  readonly onFailed: (error: unknown) => void
  readonly onAnswered: () => void
  /** Other events say why the partition cannot be fetched: Kafka is away, or its topic. */
  readonly isExplained: (partition: Partition) => boolean
}

/** A partition whose last fetch failed. */

/** A broker, or a partition, that failed is not asked again before. */
const BACK_OFF_MS = 200
/** A partition of a forbidden topic is not asked for again before. */
const FORBIDDEN_MS = 1_000
/** The partition is led elsewhere, or is not there: metadata will tell. */
const MOVED: ReadonlySet<number> = new Set([
  CODE.unknownTopicOrPartition,
  CODE.leaderNotAvailable,
  CODE.notLeader,
  CODE.unknownTopicId,
  CODE.inconsistentTopicId,
  74, // FENCED_LEADER_EPOCH
  75, // UNKNOWN_LEADER_EPOCH
])

/**
 * Fetches for all partitions of one consumer: one request at a time to each broker that leads some, while what the last
 * one brought is handled. Partitions that were served go to the back, so that a broker that fills an answer with the
 * first ones comes to all.
 */
export class FetchLoop {
  readonly #options: FetchLoopOptions
  readonly #partitions = new Map<string, Partition>()
  /** Brokers that have not answered yet, or have to wait. */
  readonly #busy = new Set<number>()
  readonly #failing: FailingPartitions
  readonly #timers = new Set<NodeJS.Timeout>()
  #isPlanned = false
  #isStopped = false

  constructor(options: FetchLoopOptions) {
    this.#options = options
    const { isExplained, onEvent, maxWaitMs } = options
    const later = (ms: number, run: () => void): void => this.#later(ms, run)
    this.#failing = new FailingPartitions({ isExplained, onEvent, maxWaitMs, later })
  }

  add(partition: Partition): void {
    this.#partitions.set(partitionName(partition), partition)
    this.wake()
  }

  remove(partition: Partition): void {
    this.#failing.forget(partition)
    const name = partitionName(partition)
    if (this.#partitions.get(name) === partition) this.#partitions.delete(name)
  }

  get(partition: TopicPartition): Partition | undefined {
    return this.#partitions.get(partitionName(partition))
  }

  all(): Partition[] {
    return [...this.#partitions.values()]
  }

  /** Something may be fetched that could not before. */
  wake(): void {
    if (this.#isPlanned || this.#isStopped) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      this.#fetchAll()
    })
  }

  /** Asks for nothing more. What is in flight is for nobody. */
  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #fetchAll(): void {
    if (this.#isStopped) return
    const wanted = new Map<number, Partition[]>()
    for (const partition of this.#partitions.values()) {
      if (this.#busy.has(partition.leader) || !partition.isWanted) continue
      const list = wanted.get(partition.leader)
      if (list === undefined) wanted.set(partition.leader, [partition])
      else list.push(partition)
    }
    for (const [leader, partitions] of wanted) void this.#fetch(leader, partitions)
  }

  async #fetch(leader: number, wanted: readonly Partition[]): Promise<void> {
    this.#busy.add(leader)
    try {
      const { cluster, maxWaitMs } = this.#options
      const large = wanted.find(({ neededBytes }) => neededBytes > 0)
      const partitions = large === undefined ? wanted : [large]
      const maxBytes = Math.max(this.#options.maxBytes, large?.neededBytes ?? 0)
      const maxBytesPerPartition = Math.max(this.#options.maxBytesPerPartition, large?.neededBytes ?? 0)
      const connection = await cluster.connection(leader, 'fetch')
      const version = fetchVersion(versionOf(connection, FETCH, 'Fetch'), partitions)
      const from = partitions.map(({ topic, partition, topicId, fetchOffset }) => ({
        ...{ topic, partition, offset: fetchOffset },
        id: topicId,
      }))
      const sentAtMs = performance.now()
      const fetched = await connection.send(fetchRequest({ version, from, maxWaitMs, maxBytes, maxBytesPerPartition }))
      if (fetched.error !== CODE.none) throw new Error(`fetching from broker ${leader}: error ${fetched.error}`)
      this.#options.onAnswered()
      const memory = this.#options.reusesMemory ? new AnswerMemory(() => connection.free(fetched.memory)) : undefined
      this.#takeAll(fetched.partitions, { partitions, from, sentAtMs, isById: version >= WITH_TOPIC_IDS, memory })
      memory?.done()
      this.#busy.delete(leader)
    } catch (error) {
      this.#later(BACK_OFF_MS, () => this.#busy.delete(leader))
      if (this.#isStopped) return
      this.#options.onFailed(error)
      for (const partition of wanted) this.#failing.note(partition, messageOf(error))
      // The broker may be gone, and others lead its partitions.
      this.#options.onMoved()
    } finally {
      this.wake()
    }
  }

  #takeAll(
    answers: readonly FetchedPartition[],
    asked: {
      readonly partitions: readonly Partition[]
      readonly from: readonly { readonly offset: bigint }[]
      readonly sentAtMs: number
      readonly isById: boolean
      readonly memory: AnswerMemory | undefined
    },
  ): void {
    const { partitions, from, sentAtMs, isById, memory } = asked
    const places = new Map(
      partitions.map(({ topic, topicId, partition }, at) => [
        partitionName({ topic: isById ? `${topicId}` : topic, partition }),
        at,
      ]),
    )
    for (const answer of answers) {
      const at = places.get(partitionName(answer)) ?? -1
      const partition = partitions[at]
      // It was closed, paused or moved while its answer was on the way: what came is fetched again when it is wanted.
      if (
        partition === undefined ||
        partition.isClosed ||
        partition.isPaused ||
        partition.fetchOffset !== from[at]?.offset
      )
        continue
      if (answer.error === CODE.none) this.#take(partition, answer, { sentAtMs, memory })
      else this.#fail(partition, answer)
    }
  }

  #take(
    partition: Partition,
    answer: FetchedPartition,
    { sentAtMs, memory }: { readonly sentAtMs: number; readonly memory: AnswerMemory | undefined },
  ): void {
    const { topic, partition: number } = partition
    this.#failing.clear(partition)
    const { columns, next: behind, skipped, neededBytes } = decoded(answer, partition)
    partition.neededBytes = neededBytes
    if (neededBytes > 0) return
    const { end } = partition
    const next = end !== undefined && end < behind ? end : behind
    while (columns.count > 0 && BigInt(columns.offsets[columns.count - 1] as number) >= next) columns.count--
    for (const { from, to, reason } of skipped)
      if (from < next) this.#options.onEvent({ type: 'undecodable', topic, partition: number, from, to, reason })
    this.#options.onAccess(topic, true)
    const facts = { topic, partition: number, highWatermark: answer.highWatermark, stableEnd: answer.stableEnd, memory }
    if (answer.records.length > 0) this.#toTheBack(partition)
    if (columns.count > 0) memory?.use()
    partition.take({ batch: new ColumnBatch(columns, facts), next, sentAtMs })
  }

  #fail(partition: Partition, { error, leader }: FetchedPartition): void {
    if (error === CODE.offsetOutOfRange) {
      partition.isLost = true
      this.#options.onOutOfRange(partition)
    } else if (error === CODE.topicNotAuthorized) {
      this.#options.onAccess(partition.topic, false)
      this.#holdOff(partition, FORBIDDEN_MS)
      return
    } else if (MOVED.has(error)) {
      const isNamed = leader !== undefined && leader >= 0 && leader !== partition.leader
      if (isNamed && !this.#failing.get(partition)?.hasFollowed) partition.leader = leader
      else partition.lose()
      this.#options.onMoved()
    } else {
      this.#holdOff(partition, BACK_OFF_MS)
      this.#options.onFailed(new Error(`${partitionName(partition)} cannot be fetched: error ${error}`))
      this.#options.onMoved()
    }
    const failing = this.#failing.note(partition, errorOfCode(error).message)
    failing.hasFollowed ||= MOVED.has(error)
  }

  #toTheBack(partition: Partition): void {
    const name = partitionName(partition)
    if (this.#partitions.delete(name)) this.#partitions.set(name, partition)
  }

  /** The timer alone ends it: if the clock had a say, a timer that fires a moment early would leave it waiting for ever. */
  #holdOff(partition: Partition, ms: number): void {
    partition.isHeldOff = true
    this.#later(ms, () => {
      partition.isHeldOff = false
    })
  }

  #later(ms: number, run: () => void): void {
    if (this.#isStopped) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      run()
      this.wake()
    }, ms)
    this.#timers.add(timer)
  }
}

/** A batch that came cut off although so much was asked for is not to be had: one offset is passed, and the next asked for. */
function decoded(answer: FetchedPartition, { fetchOffset, neededBytes }: Partition): DecodedRecords {
  const whole = decodeRecords({ ...answer, position: fetchOffset })
  if (whole.neededBytes === 0 || whole.neededBytes > neededBytes) return whole
  const reason = `a batch of ${neededBytes} bytes, of which ${answer.records.length} come`
  const skipped = [{ from: fetchOffset, to: fetchOffset, reason }]
  return { ...whole, next: fetchOffset + 1n, skipped, neededBytes: 0 }
}

/** Asks by topic id if all ids are known: a topic that was made again is another one then. */
function fetchVersion(highest: number, partitions: readonly Partition[]): number {
  if (highest < WITH_TOPIC_IDS || partitions.every(({ topicId }) => topicId !== undefined)) return highest
  return WITH_TOPIC_IDS - 1
}
