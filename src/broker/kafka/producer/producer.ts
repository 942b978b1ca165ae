import { settlesWithin } from '../../deadline.ts'
import { BrokerError, type BrokerEvent, closed, type OutgoingRecord, type Producer, type Stored } from '../../port.ts'
import type { Compressor } from '../compression.ts'
import { toBrokerError } from '../errors.ts'
import type { Cluster } from '../wire/cluster.ts'
import { CODE } from '../wire/codes.ts'
import { Dispatcher } from './dispatcher.ts'
import { type Batch, Send } from './send.ts'

export interface ProducerOptions {
  readonly compressor: Compressor | undefined
  readonly isIdempotent: boolean
  /** A record that is not acknowledged after this time is rejected. */
  readonly deliveryTimeoutMs: number
  /** The most time for one answer. It is less if `deliveryTimeoutMs` would leave none for another attempt. */
  readonly requestTimeoutMs: number | undefined
  /** Calls of `sendBatch` that wait at once; one more is refused. */
  readonly maxPendingBatches: number
  /** How long a close waits for what is under way, unless it is told otherwise. */
  readonly closeTimeoutMs: number
  readonly onEvent: (event: BrokerEvent) => void
}

/** A leader that does not answer leaves time for two more attempts. It gives up its replicas before its answer is due. */
const ANSWERS_A_DELIVERY = 3
const REPLICAS_SHARE = 0.75

/** A producer that retries and settles each record by itself, by the word of its partition's leader. */
export class KafkaProducer implements Producer {
  readonly #cluster: Pick<Cluster, 'metadata' | 'connection' | 'anyone' | 'close'>
  readonly #options: ProducerOptions
  readonly #dispatcher: Dispatcher
  readonly #sends = new Set<Send>()
  /** Resolves when all calls are settled. */
  #idle = Promise.withResolvers<void>()
  #state: 'new' | 'connected' | 'closed' = 'new'
  #closing: Promise<void> | undefined
  isClosed = false

  constructor(cluster: Pick<Cluster, 'metadata' | 'connection' | 'anyone' | 'close'>, options: ProducerOptions) {
    const { compressor, isIdempotent, deliveryTimeoutMs, requestTimeoutMs = deliveryTimeoutMs, onEvent } = options
    const answerMs = Math.min(requestTimeoutMs, deliveryTimeoutMs / ANSWERS_A_DELIVERY)
    const replicasMs = Math.ceil(answerMs * REPLICAS_SHARE)
    this.#cluster = cluster
    this.#options = options
    this.#dispatcher = new Dispatcher({ cluster, compressor, isIdempotent, answerMs, replicasMs, onEvent })
  }

  async connect(): Promise<void> {
    const gone = closed('the producer was closed: make a new one')
    if (this.#closing !== undefined) throw gone
    try {
      await this.#cluster.metadata([])
    } catch (error) {
      throw toBrokerError(error, 'connecting to Kafka')
    }
    if (this.#closing !== undefined) throw gone
    this.#state = 'connected'
  }

  async sendBatch(
    topic: string,
    records: readonly OutgoingRecord[],
    timeoutMs = Number.POSITIVE_INFINITY,
  ): Promise<readonly Stored[]> {
    const { maxPendingBatches, deliveryTimeoutMs } = this.#options
    const limitMs = Math.min(timeoutMs, deliveryTimeoutMs)
    this.#assertConnected()
    if (records.length === 0) return []
    if (this.#sends.size >= maxPendingBatches) {
      const message = `${this.#sends.size} batches are under way, at most ${maxPendingBatches} expected`
      throw new BrokerError('refused', message, { retriable: true })
    }
    if (this.#sends.size === 0) this.#idle = Promise.withResolvers<void>()
    const send = new Send(records)
    this.#sends.add(send)
    const timer = setTimeout(() => {
      for (const batch of send.open) batch.fail(this.#late(topic, batch, limitMs))
    }, limitMs)
    for (const batch of send.open) this.#dispatcher.add(topic, batch)
    try {
      return await send.result
    } finally {
      clearTimeout(timer)
      this.#sends.delete(send)
      if (this.#sends.size === 0) this.#idle.resolve()
    }
  }

  async partitions(topic: string): Promise<number | undefined> {
    this.#assertConnected()
    try {
      const [found] = (await this.#cluster.metadata([topic])).topics
      return found?.error === CODE.none ? found.partitions.length : undefined
    } catch (error) {
      throw toBrokerError(error, `describing topic ${topic}`)
    }
  }

  async flush(): Promise<void> {
    if (this.#sends.size > 0) await this.#idle.promise
  }

  close({ flushMs = this.#options.closeTimeoutMs }: { readonly flushMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#disconnect(flushMs)
    return this.#closing
  }

  #assertConnected(): void {
    if (this.#state !== 'connected') throw closed(`the producer is ${this.#state}, connected expected`)
  }

  #late(topic: string, { partition }: Batch, limitMs: number): BrokerError {
    const cause = this.#dispatcher.failureOf({ topic, partition })
    const { code = 'unreachable', message = 'no answer came', retriable = true } = cause ?? {}
    const late = `not acknowledged within ${limitMs} ms: ${message}`
    return new BrokerError(code, late, { retriable, cause })
  }

  async #disconnect(flushMs: number): Promise<void> {
    this.#state = 'closed'
    await settlesWithin(this.flush(), flushMs)
    this.#dispatcher.end()
    for (const { open } of this.#sends) for (const batch of open) batch.fail(cutShort(batch))
    this.#cluster.close()
    this.isClosed = true
  }
}

function cutShort({ mayBeStored }: Batch): BrokerError {
  if (!mayBeStored) return closed('the producer was closed before it could send this')
  return new BrokerError('unreachable', 'the producer was closed before this was acknowledged', { retriable: true })
}
