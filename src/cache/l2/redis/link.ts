import { type ChainableCommander, Redis } from 'ioredis'
import { isObject } from '../../../../schemas/json-value.ts'
import type { Clock } from '../../../clock.ts'

export interface RedisLinkOptions {
  readonly url: string
  readonly connectionName: string
  readonly commandTimeoutMs: number
  readonly clock: Clock
  readonly random: () => number
  /** Called on every new connection, when Redis has loaded its data. */
  readonly onReady: () => void
  /** Called when a connection is lost, and when one could not be made. */
  readonly onDown?: () => void
}

export type Replies =
  | { readonly ok: true; readonly values: readonly unknown[] }
  | {
      readonly ok: false
      readonly reason: string
      /** The replies of servers that answered all the same, by place. Absent if there is only one server. */
      readonly served?: ReadonlyMap<number, unknown>
    }

const CONNECT_TIMEOUT_MS = 2_000
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 500
const REASON_LENGTH = 200

/**
 * The one connection to a Redis server. Every failure comes out as a reason. Nothing waits for a connection, and nothing
 * is sent twice: with the client's own offline queue and resending, Redis would run a command after it had been rejected.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions
  readonly #redis: Redis
  #downSinceMs: number
  #lastError: string | undefined
  #closed = false

  constructor(options: RedisLinkOptions) {
    this.#options = options
    this.#downSinceMs = options.clock.now()
    this.#redis = new Redis(options.url, {
      lazyConnect: true,
      connectionName: options.connectionName,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      enableAutoPipelining: false,
      maxRetriesPerRequest: 1,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: options.commandTimeoutMs,
      // Otherwise a peer that does not answer when we disconnect would keep the process alive for 2 s.
      disconnectTimeout: 0,
      // A connection whose other end has vanished looks open for a quarter of an hour. One that has been silent for two
      // time-outs is closed and made anew.
      socketTimeout: 2 * options.commandTimeoutMs,
      retryStrategy: (attempt) =>
        Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), LONGEST_RETRY_MS) * (0.5 + 0.5 * options.random()),
    })
    this.#redis.on('error', (error: Error) => {
      // The commands in flight end with the connection; what ended it is the reason.
      const reason = this.#reasonOf(error)
      if (this.#lastError === undefined || !/^(?:Connection is closed|not connected)/.test(reason))
        this.#lastError = reason
      const command = commandOf(error)
      // Whoever goes on without the database that was asked for writes into another one.
      if (command === 'select') this.#redis.disconnect(true)
      // Some servers have no INFO, or call it otherwise. It only tells whether Redis still loads its data.
      if (command === 'info' && isUnsupported(reason)) this.#redis.options.enableReadyCheck = false
    })
    this.#redis.on('ready', () => {
      this.#lastError = undefined
      options.onReady()
    })
    this.#redis.on('close', () => {
      this.#downSinceMs = options.clock.now()
      options.onDown?.()
    })
  }

  /** Resolves when the first attempt has succeeded or failed; the client goes on trying until `close`. */
  open(): Promise<void> {
    // It rejects when the first attempt fails. The error event has the reason, and the client goes on trying.
    return this.#redis.connect().catch(() => undefined)
  }

  /** Why nothing can be sent at present; `undefined` when it can. */
  get down(): { readonly reason: string; readonly sinceMs: number } | undefined {
    if (this.#redis.status === 'ready') return undefined
    return {
      reason: `not connected${this.#lastError === undefined ? '' : `: ${this.#lastError}`}`,
      sinceMs: this.#downSinceMs,
    }
  }

  /** One trip: all that `enqueue` puts into the pipeline. The first error is the trip's. Never rejects. */
  trip(enqueue: (pipeline: ChainableCommander) => void): Promise<Replies> {
    return this.#attempt(async () => {
      const pipeline = this.#redis.pipeline()
      enqueue(pipeline)
      const replies = (await pipeline.exec()) ?? []
      return replies.map(([error, value]) => {
        if (error !== null) throw error
        return value
      })
    })
  }

  /** A trip of one command: a pipeline of one would cost half as much again. Never rejects. */
  call(send: (redis: Redis) => Promise<unknown>): Promise<Replies> {
    return this.#attempt(async () => [await send(this.#redis)])
  }

  /** Closes at once; commands in flight are given up. May be called twice. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#redis.disconnect()
  }

  async #attempt(send: () => Promise<readonly unknown[]>): Promise<Replies> {
    const { down } = this
    if (down !== undefined) return { ok: false, reason: down.reason }
    try {
      return { ok: true, values: await send() }
    } catch (error) {
      return { ok: false, reason: this.#reasonOf(error) }
    }
  }

  #reasonOf(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error)
    if (message === 'Command timed out') return `timeout: no answer within ${this.#options.commandTimeoutMs} ms`
    if (message.startsWith("Stream isn't writeable")) return 'not connected'
    return (message === '' ? 'unknown error' : message).slice(0, REASON_LENGTH)
  }
}

/** There is no such command, or this user may not use it. */
export function isUnsupported(reason: string): boolean {
  return /unknown command|unknown subcommand|NOPERM/i.test(reason)
}

/** The command that Redis answered with this error, in small letters. */
export function commandOf(error: Error): string | undefined {
  const command = 'command' in error ? error.command : undefined
  return isObject(command) && typeof command.name === 'string' ? command.name.toLowerCase() : undefined
}
