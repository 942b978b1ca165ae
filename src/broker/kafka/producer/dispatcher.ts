import { partitionName } from '../../partition-name.ts'
import { BrokerError, type BrokerEvent, type TopicPartition } from '../../port.ts'
import type { Compressor } from '../compression.ts'
import { type Cluster, versionOf } from '../wire/cluster.ts'
import { PRODUCE, type ProducedBatch, type ProducedPartition, produceRequest } from '../wire/produce.ts'
import { answered, type Sent, unwritable } from './answers.ts'
import { Leaders } from './leaders.ts'
import { PartitionQueue } from './partition-queue.ts'
import { NOT_NUMBERED, ProducerIds } from './producer-id.ts'
import { recordBatch } from './record-batch.ts'
import type { Batch } from './send.ts'
import { failureOf } from './verdict.ts'

export interface DispatcherOptions {
  readonly cluster: Pick<Cluster, 'metadata' | 'connection' | 'anyone'>
  readonly compressor: Compressor | undefined
  readonly isIdempotent: boolean
  /** How long a leader may wait for the other replicas, in milliseconds. */
  readonly replicasMs: number
  /** How long an answer may take, in milliseconds. */
  readonly answerMs: number
  readonly onEvent: (event: BrokerEvent) => void
}

/** The most requests to one leader that are not answered yet. */
const MAX_IN_FLIGHT = 5
/** A request takes no further batch beyond this size. While the leader stores one request, the next is written. */
const FULL_REQUEST_BYTES = 256 * 1024
/** The wait before Kafka is asked again for a leader or an id that it did not know. */
const BACK_OFF_MS = 100

interface Written extends ProducedBatch {
  readonly part: Sent
}

interface Filling {
  readonly parts: Sent[]
  bytes: number
}

/**
 * Sends batches to the leaders of their partitions until they are acknowledged, refused or given up. One request takes
 * batches of several partitions. A leader has several requests in flight, a partition has one batch in flight.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #queues = new Map<string, PartitionQueue>()
  /** The queues that have a batch and may send it, longest waiting first. */
  readonly #waiting = new Set<PartitionQueue>()
  /** The number of requests in flight by leader. */
  readonly #inFlight = new Map<number, number>()
  readonly #leaders: Leaders
  readonly #ids: ProducerIds
  readonly #asking = new Set<'leaders' | 'id'>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #failure: BrokerError | undefined
  #isAway = false
  #isPlanned = false
  #isEnded = false

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#leaders = new Leaders(options.cluster)
    this.#ids = new ProducerIds(options, options.isIdempotent)
  }

  add(topic: string, batch: Batch): void {
    const { partition } = batch
    const name = partitionName({ topic, partition })
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = new PartitionQueue({ topic, partition })
      this.#queues.set(name, queue)
    }
    if (queue.isEmpty) this.#waiting.add(queue)
    queue.add(batch)
    this.#wake()
  }

  /** The reason why the partition's first batch is not acknowledged yet. */
  failureOf(partition: TopicPartition): BrokerError | undefined {
    return this.#queues.get(partitionName(partition))?.failure ?? this.#ids.failure ?? this.#failure
  }

  /** Sends nothing more. Answers that still come change nothing. */
  end(): void {
    this.#isEnded = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  /** Waits for the end of the current task, so that batches that are added in one task share requests. */
  #wake(): void {
    if (this.#isPlanned || this.#isEnded) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      this.#sendAll()
    })
  }

  #sendAll(): void {
    const leaderless: PartitionQueue[] = []
    const fillings = new Map<number, Filling>()
    for (const queue of this.#waiting) {
      const batch = queue.first()
      if (batch === undefined) this.#remove(queue)
      else if (queue.leader === undefined) leaderless.push(queue)
      else if (this.#hasProducer(queue))
        this.#fill(fillings, queue.leader, { queue, batch, wasInDoubt: batch.mayBeStored })
    }
    for (const [leader, { parts }] of fillings) void this.#send(leader, parts)
    if (leaderless.length > 0) void this.#ask('leaders', () => this.#leaders.find(leaderless))
  }

  /** Forgets an empty queue if nothing was ever sent from it, as its partition may not exist. */
  #remove(queue: PartitionQueue): void {
    this.#waiting.delete(queue)
    if (queue.producer === undefined) this.#queues.delete(partitionName(queue))
  }

  #hasProducer(queue: PartitionQueue): boolean {
    if (queue.producer !== undefined) return true
    if (this.#ids.current === undefined) void this.#ask('id', () => this.#ids.ask())
    else queue.producer = this.#ids.current
    return queue.producer !== undefined
  }

  #fill(fillings: Map<number, Filling>, leader: number, part: Sent): void {
    const bytes = part.batch.estimatedBytes
    let filling = fillings.get(leader)
    if (filling !== undefined && filling.bytes + bytes > FULL_REQUEST_BYTES) {
      void this.#send(leader, filling.parts)
      fillings.delete(leader)
      filling = undefined
    }
    if (filling === undefined) {
      if ((this.#inFlight.get(leader) ?? 0) >= MAX_IN_FLIGHT) return
      filling = { parts: [], bytes: 0 }
      fillings.set(leader, filling)
    }
    filling.parts.push(part)
    filling.bytes += bytes
  }

  async #send(leader: number, parts: readonly Sent[]): Promise<void> {
    this.#inFlight.set(leader, (this.#inFlight.get(leader) ?? 0) + 1)
    for (const { queue } of parts) this.#waiting.delete(queue)
    let due = parts
    const answers = new Map<string, ProducedPartition>()
    let failure: BrokerError | undefined
    try {
      const connection = await this.#options.cluster.connection(leader, 'produce')
      const version = versionOf(connection, PRODUCE, 'Produce')
      const batches = await this.#written(parts)
      due = batches.map(({ part }) => part)
      const { replicasMs, answerMs } = this.#options
      const request = produceRequest({ version, batches, replicasMs, answerMs })
      if (due.length > 0)
        for (const answer of await connection.send(request)) answers.set(partitionName(answer), answer)
      this.#setAway(undefined)
    } catch (error) {
      failure = failureOf(error, `sending to broker ${leader}`)
    }
    this.#inFlight.set(leader, (this.#inFlight.get(leader) ?? 0) - 1)
    for (const part of due)
      answered(part, answers.get(partitionName(part.queue)) ?? failure ?? leftOut(leader), this.#ids)
    for (const { queue } of parts) this.#rest(queue)
  }

  /** Lets a queue send again, at once or after its wait. */
  #rest(queue: PartitionQueue): void {
    const wait = () => {
      this.#waiting.add(queue)
      this.#wake()
    }
    if (queue.restMs === 0) wait()
    else this.#later(queue.restMs, wait)
    queue.restMs = 0
  }

  /** Leaves out batches that cannot be written, and those that nobody waits for any more. */
  async #written(parts: readonly Sent[]): Promise<Written[]> {
    const written = await Promise.all(parts.map((part) => this.#write(part)))
    const due = written.filter((each) => each?.part.batch.isOpen === true) as Written[]
    for (const { part } of due) part.batch.mayBeStored = true
    return due
  }

  async #write(part: Sent): Promise<Written | undefined> {
    const { queue, batch } = part
    const { topic, partition, sequence, producer = NOT_NUMBERED } = queue
    const { compressor } = this.#options
    try {
      const bytes = await recordBatch(batch.records, { nowMs: batch.send.nowMs, producer, sequence, compressor })
      return { part, topic, partition, bytes }
    } catch (error) {
      unwritable(queue, batch, error)
      return undefined
    }
  }

  /** Asks once at a time for each kind. Waits a moment after a question that found nothing. */
  async #ask(kind: 'leaders' | 'id', run: () => Promise<'known' | 'not yet'>): Promise<void> {
    if (this.#asking.has(kind)) return
    this.#asking.add(kind)
    let found: 'known' | 'not yet' = 'not yet'
    try {
      found = await run()
    } catch (error) {
      const failure = failureOf(error, 'asking Kafka')
      if (failure.retriable) this.#setAway(failure)
      else for (const queue of this.#waiting) if (queue.leader === undefined) queue.refuse(failure)
    }
    const done = () => {
      this.#asking.delete(kind)
      this.#wake()
    }
    if (found === 'known') done()
    else this.#later(BACK_OFF_MS, done)
  }

  #setAway(failure: BrokerError | undefined): void {
    this.#failure = failure
    if (this.#isEnded || (failure !== undefined) === this.#isAway) return
    this.#isAway = failure !== undefined
    this.#options.onEvent(failure ? { type: 'disconnected', reason: failure.message } : { type: 'reconnected' })
  }

  #later(ms: number, run: () => void): void {
    if (this.#isEnded) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      run()
    }, ms)
    this.#timers.add(timer)
  }
}

function leftOut(leader: number): BrokerError {
  return new BrokerError('unreachable', `broker ${leader} left the partition out of its answer`, { retriable: true })
}
