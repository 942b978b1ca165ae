import { partitionOf } from '../schemas/topics.ts'
import { failuresOf } from '../src/broker/batch-error.ts'
import { partitionName } from '../src/broker/partition-name.ts'
import type { BrokerError, OutgoingRecord, Producer } from '../src/broker/port.ts'
import type { OutputSender } from '../src/detect/outputs.ts'

export interface DetectorOutputsOptions {
  readonly producer: Producer
  /** The output topics, with their partition counts. */
  readonly partitions: ReadonlyMap<string, number>
  /** Waits before another attempt. */
  readonly sleep: (ms: number) => Promise<void>
  /** Called for each attempt after which records wait for another one. */
  readonly onHeldUp: (topic: string, error: BrokerError) => void
  /** There is no room while so many records wait, or so many characters of them. Default 10,000 and 16 Mi. */
  readonly maxRecords?: number
  readonly maxChars?: number
}

type Output = Parameters<OutputSender['send']>[2]

interface Waiting {
  readonly record: OutgoingRecord
  readonly chars: number
  readonly resolve: (failure: BrokerError | undefined) => void
}

/** The records of one partition, in their order. */
interface Turn {
  readonly topic: string
  waiting: Waiting[]
  isSending: boolean
}

const MAX_RECORDS = 10_000
const MAX_CHARS = 16 * 1024 * 1024
const BATCH_RECORDS = 2_000
const BATCH_CHARS = 512 * 1024
const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5_000

/**
 * Publishes what detectors find. A partition has one batch in flight, and what Kafka does not take now is sent again
 * before anything that was found later. So the order of a pair holds, however long Kafka is away.
 */
export class DetectorOutputs implements OutputSender {
  readonly #options: DetectorOutputsOptions
  readonly #turns = new Map<string, Turn>()
  #records = 0
  #chars = 0
  #forRoom: (() => void)[] = []
  #isClosed = false

  constructor(options: DetectorOutputsOptions) {
    this.#options = options
  }

  send(topic: string, chain: string, output: Output): Promise<BrokerError | undefined> {
    const { promise, resolve } = Promise.withResolvers<BrokerError | undefined>()
    const partition = partitionOf(chain, this.#options.partitions.get(topic) ?? 1)
    const turn = this.#turnOf(topic, partition)
    const chars = output.value?.length ?? 0
    turn.waiting.push({ record: { ...output, partition }, chars, resolve })
    this.#records++
    this.#chars += chars
    if (!turn.isSending) void this.#sendAll(turn)
    return promise
  }

  get areWaiting(): boolean {
    return this.#records > 0
  }

  room(): Promise<void> | undefined {
    return this.#isFull ? new Promise((resolve) => this.#forRoom.push(resolve)) : undefined
  }

  /** Makes no more attempts. What is not acknowledged stays pending, so that no offset moves beyond its update. */
  close(): void {
    this.#isClosed = true
  }

  get #isFull(): boolean {
    const { maxRecords = MAX_RECORDS, maxChars = MAX_CHARS } = this.#options
    return this.#records >= maxRecords || this.#chars >= maxChars
  }

  #turnOf(topic: string, partition: number): Turn {
    const name = partitionName({ topic, partition })
    const turn = this.#turns.get(name) ?? { topic, waiting: [], isSending: false }
    this.#turns.set(name, turn)
    return turn
  }

  async #sendAll(turn: Turn): Promise<void> {
    turn.isSending = true
    // What is found in one task is sent together.
    await Promise.resolve()
    let delayMs = FIRST_DELAY_MS
    while (turn.waiting.length > 0 && !this.#isClosed) {
      const failure = await this.#sendBatch(turn)
      if (failure?.code === 'closed') break
      if (failure !== undefined) {
        this.#options.onHeldUp(turn.topic, failure)
        await this.#options.sleep(delayMs)
      }
      delayMs = failure === undefined ? FIRST_DELAY_MS : Math.min(delayMs * 2, LONGEST_DELAY_MS)
    }
    turn.isSending = false
  }

  /** Resolves to why some of the records wait for another attempt; undefined if none does. */
  async #sendBatch(turn: Turn): Promise<BrokerError | undefined> {
    const batch = turn.waiting.splice(0, batchEnd(turn.waiting))
    const failureAt = await this.#options.producer
      .sendBatch(
        turn.topic,
        batch.map(({ record }) => record),
      )
      .then(() => undefined, failuresOf)
    const again: Waiting[] = []
    let reason: BrokerError | undefined
    for (const [place, waiting] of batch.entries()) {
      const failure = failureAt?.(place)
      if (failure !== undefined && (failure.retriable || failure.code === 'closed')) {
        reason ??= failure
        again.push(waiting)
      } else this.#settle(waiting, failure)
    }
    if (again.length > 0) turn.waiting = [...again, ...turn.waiting]
    return reason
  }

  #settle({ chars, resolve }: Waiting, failure: BrokerError | undefined): void {
    this.#records--
    this.#chars -= chars
    resolve(failure)
    if (!this.#isFull) for (const goOn of this.#forRoom.splice(0)) goOn()
  }
}

/** A record that is too large for a batch is sent alone. */
function batchEnd(waiting: readonly Waiting[]): number {
  let end = 0
  let chars = 0
  while (end < Math.min(waiting.length, BATCH_RECORDS)) {
    chars += waiting[end]?.chars ?? 0
    if (end > 0 && chars > BATCH_CHARS) break
    end++
  }
  return end
}
