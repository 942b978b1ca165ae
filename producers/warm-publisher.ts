import { DEFAULT_SERVICE } from '../schemas/topics.ts'
import {
  encodeWarmRequest,
  type Origin,
  type Priority,
  parseWarmRequest,
  serviceOf,
  type WarmRequest,
} from '../schemas/warm-request.ts'
import { parseWarmResult } from '../schemas/warm-result.ts'
import type { Batch, Broker, Consumer, Producer } from '../src/broker/port.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import type { Clock } from '../src/clock.ts'
import { assertOptions, type OptionsOf } from '../src/config/options.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { makeTaskId } from '../src/tasks/task-id.ts'
import type { Spans } from '../src/telemetry/spans.ts'
import { systemTimer, type Timer } from '../src/timer.ts'
import { createWarmRequestProducer, type WarmRequestProducer } from './warm-requests.ts'
import { type WarmReceipt, WarmWaiter } from './warm-waiter.ts'

export interface WarmPublisherOptions {
  /** Stays open when the publisher closes. */
  readonly broker: Broker
  /** The service whose nodes are asked; \`default\` unless given. */
  readonly service?: string
  readonly topics: { readonly warmRequests: string; readonly warmResults: string }
  readonly clock: Clock
  readonly timer?: Timer | undefined
  readonly spans?: Spans | undefined
}

/** The content of a warm request. Times are Unix times in milliseconds. */
export interface WarmAsk {
  readonly chain: string
  readonly pairs: readonly string[]
  /** Default `high`: somebody asks for it. */
  readonly priority?: Priority
  /** Default `manual`. */
  readonly origin?: Origin
  readonly reason?: string
  readonly notBeforeMs?: number
  readonly expiresAtMs?: number
  /** Warms nothing. The results say what would have been warmed. */
  readonly dryRun?: boolean
  /** Waits for the nodes' results. */
  readonly wait?: boolean
  /**
   * The number of nodes whose results are waited for, or `all`: until none has answered for half a second, or the time is
   * over. Default 1.
   */
  readonly waitFor?: number | 'all'
  /** How long to wait, from now or from a later `notBeforeMs`, at most until a day from now. Default 5,000. */
  readonly timeoutMs?: number
}

const WARM_ASK: OptionsOf<WarmAsk> = {
  ...{ chain: true, pairs: true, priority: true, origin: true, reason: true, notBeforeMs: true, expiresAtMs: true },
  ...{ dryRun: true, wait: true, waitFor: true, timeoutMs: true },
}

/** Publishes warm requests and waits for their results. */
export interface WarmPublisher {
  /**
   * Resolves when the request is stored, or with `wait` when it is answered. Throws a BrokerError or a ForewarmError:
   * `bad-value` if no node would accept the request or its wait is invalid, `refused` if too many requests wait,
   * `closed`.
   */
  request(ask: WarmAsk): Promise<WarmReceipt>
  /** Requests that still wait reject with `closed`. A second call changes nothing. */
  close(): Promise<void>
}

const TIMEOUT_MS = 5_000
/** A day. Node makes one millisecond of a timer of 25 days and more. */
const LONGEST_TIMEOUT_MS = 86_400_000
const MAX_WAITING = 10_000

/** Connects. Throws a ForewarmError (`topics-unusable`) if there is no topic for warm requests, or a BrokerError. */
export async function createWarmPublisher(options: WarmPublisherOptions): Promise<WarmPublisher> {
  const { broker, timer, spans } = options
  const topic = options.topics.warmRequests
  const partitions = await partitionsOf(broker, topic)
  const producer = broker.producer()
  await producer.connect()
  const requests = createWarmRequestProducer({ producer, topic, partitions, timer, spans })
  return new Publisher(options, requests, producer)
}

async function partitionsOf(broker: Broker, topic: string): Promise<number> {
  const partitions = await withAdmin(broker, (admin) => admin.partitions(topic))
  if (partitions !== undefined) return partitions
  throw new ForewarmError(
    'topics-unusable',
    `expected a topic ${topic} for warm requests, there is none: start a node, which makes it`,
  )
}

interface Waiting {
  readonly waiter: WarmWaiter
  readonly reject: (error: ForewarmError) => void
}

class Publisher implements WarmPublisher {
  readonly #options: WarmPublisherOptions
  readonly #service: string
  readonly #requests: WarmRequestProducer
  readonly #producer: Producer
  readonly #timer: Timer
  readonly #waiters = new Map<string, Waiting>()
  #waiting = 0
  #consumer: Promise<Consumer> | undefined
  #closed: Promise<void> | undefined

  constructor(options: WarmPublisherOptions, requests: WarmRequestProducer, producer: Producer) {
    this.#options = options
    this.#service = options.service ?? DEFAULT_SERVICE
    this.#requests = requests
    this.#producer = producer
    this.#timer = options.timer ?? systemTimer
  }

  async request(ask: WarmAsk): Promise<WarmReceipt> {
    this.#assertOpen()
    assertOptions('request', ask, WARM_ASK)
    const nowMs = this.#options.clock.now()
    const request = checked(requestOf(ask, this.#options.service, nowMs))
    refuseWait(ask, nowMs)
    if (ask.wait !== true) {
      await this.#requests.send(request)
      return { status: 'sent', requestId: request.requestId }
    }
    if (this.#waiting >= MAX_WAITING)
      throw new ForewarmError('refused', `at most ${MAX_WAITING} requests can be waited for at a time`, {
        retriable: true,
      })
    // Counted before anything is awaited, so that requests that wait for the consumer to join count, too.
    this.#waiting++
    try {
      // The consumer joins before the request is sent, so that no result is missed.
      await this.#listen()
      this.#assertOpen()
      return await this.#sendAndWait(request, ask)
    } finally {
      this.#waiting--
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #sendAndWait(request: WarmRequest, { waitFor = 1, timeoutMs = TIMEOUT_MS }: WarmAsk): Promise<WarmReceipt> {
    const { requestId } = request
    const { promise, resolve, reject } = Promise.withResolvers<WarmReceipt>()
    // A close may reject it while the request is still being sent and nobody awaits it yet.
    promise.catch(() => undefined)
    const { clock } = this.#options
    const nowMs = clock.now()
    const waitMs = Math.max(0, (request.notBeforeMs ?? nowMs) - nowMs) + timeoutMs
    const onEnd = (receipt: WarmReceipt) => {
      this.#waiters.delete(requestId)
      resolve(receipt)
    }
    const waiter = new WarmWaiter({ request, waitFor, waitMs, clock, timer: this.#timer, onEnd })
    this.#waiters.set(requestId, { waiter, reject })
    try {
      await this.#requests.send(request)
    } catch (error) {
      this.#forget(requestId)
      throw error
    }
    return promise
  }

  async #listen(): Promise<void> {
    this.#consumer ??= this.#join()
    try {
      await this.#consumer
    } catch (error) {
      this.#consumer = undefined
      throw error
    }
  }

  async #join(): Promise<Consumer> {
    const consumer = this.#options.broker.consumer({
      mode: 'broadcast',
      groupId: `forewarm.${this.#service}.warm-publisher`,
      topics: [this.#options.topics.warmResults],
      start: { at: 'latest' },
      onBatch: async (batch) => this.#take(batch),
    })
    try {
      await consumer.start()
      return consumer
    } catch (error) {
      await consumer.stop()
      throw error
    }
  }

  /** Skips the results of other publishers' requests by their key, without parsing them. */
  #take(batch: Batch): number {
    for (let index = 0; index < batch.count && this.#waiters.size > 0; index++) {
      const requestId = batch.key(index)?.toString() ?? ''
      const value = batch.value(index)
      const found = this.#waiters.get(requestId)
      if (found === undefined || value === undefined) continue
      const parsed = parseWarmResult(value)
      // A result that cannot be parsed, or is of another service, is no answer. The request times out instead.
      if (parsed.ok && serviceOf(parsed.value) === this.#service) found.waiter.take(parsed.value)
    }
    return batch.count
  }

  #forget(requestId: string): void {
    this.#waiters.get(requestId)?.waiter.cancel()
    this.#waiters.delete(requestId)
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new ForewarmError('closed', 'the warm publisher is closed')
  }

  async #close(): Promise<void> {
    for (const [requestId, { reject }] of this.#waiters) {
      this.#forget(requestId)
      reject(new ForewarmError('closed', 'the warm publisher was closed while this request was waited for'))
    }
    const consumer = await this.#consumer?.catch(() => undefined)
    await consumer?.stop()
    await this.#requests.close()
    await this.#producer.close()
  }
}

function requestOf(ask: WarmAsk, service: string | undefined, issuedAtMs: number): WarmRequest {
  const { wait, waitFor, timeoutMs, priority = 'high', origin = 'manual', ...rest } = ask
  return {
    ...rest,
    v: 1,
    requestId: makeTaskId(issuedAtMs).taskId,
    ...(service !== undefined && { service }),
    origin,
    priority,
    issuedAtMs,
  }
}

/** Throws for a request that no node would accept. */
function checked(request: WarmRequest): WarmRequest {
  const parsed = parseWarmRequest(encodeWarmRequest(request))
  if (parsed.ok) return parsed.value
  throw new ForewarmError('bad-value', `no such request can be sent: ${parsed.detail}`)
}

function refuseWait({ wait, waitFor = 1, timeoutMs = TIMEOUT_MS, notBeforeMs = 0 }: WarmAsk, nowMs: number): void {
  if (!(timeoutMs >= 0 && timeoutMs <= LONGEST_TIMEOUT_MS))
    throw new ForewarmError('bad-value', `timeoutMs: expected 0 to ${LONGEST_TIMEOUT_MS}, got ${timeoutMs}`)
  if (!(waitFor === 'all' || waitFor >= 1))
    throw new ForewarmError('bad-value', `waitFor: expected at least 1, or all, got ${waitFor}`)
  const latestMs = nowMs + LONGEST_TIMEOUT_MS - timeoutMs
  if (wait === true && notBeforeMs > latestMs)
    throw new ForewarmError('bad-value', `notBeforeMs: expected at most ${latestMs} with a wait, got ${notBeforeMs}`)
}
