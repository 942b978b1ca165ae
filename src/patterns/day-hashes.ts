import { Cluster, Redis } from 'ioredis'
import { keyPrefix } from '../cache/l2/redis/keys.ts'

/** Nobody has an answer, and why; expected, so a value. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }

/** A hash has the pairs of one share, so that no value is large: 256 KB of 100,000 pairs. */
export const SHARES = 16

export interface Part {
  /** Since 1970. */
  readonly day: number
  /** 0 (inclusive) to SHARES (exclusive); the share of a pair follows from its names. */
  readonly share: number
}

/** The hashes in which nodes share their patterns: one for each part, with an entry for each node. Nothing rejects. */
export interface DayHashes {
  /** Connects. Nothing else is called before that, or when it did not succeed. */
  open(): Promise<Answer<void>>
  entries(part: Part): Promise<Answer<readonly string[]>>
  read(part: Part, entry: string): Promise<Answer<Buffer | undefined>>
  /** Stores the entry, whatever was stored before; the hash is gone after `untilMs`. */
  write(part: Part, entry: string, stored: Stored): Promise<Answer<void>>
  /** Puts one entry in the place of others. False, and nothing is done, if one of these is gone. */
  merge(part: Part, merged: Merge): Promise<Answer<boolean>>
  /** Disconnects; what was called rejects with a reason. It can be opened again. */
  close(): void
}

export interface Stored {
  readonly value: Buffer
  /** Milliseconds since 1970. */
  readonly untilMs: number
}

export interface Merge extends Stored {
  readonly from: readonly string[]
  readonly to: string
}

export interface RedisHashesOptions {
  /** More than one names a cluster. */
  readonly urls: readonly string[]
  readonly service: string
}

const CONNECT_TIMEOUT_MS = 2_000
/** A user's Redis may be far away. */
const COMMAND_TIMEOUT_MS = 2_000
const REASON_LENGTH = 200

/** Atomic, so that of two nodes that merge the same entries only one does. */
const MERGE = `
local from = #ARGV - 3
for i = 1, from do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 0 then return 0 end
end
for i = 1, from do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('HSET', KEYS[1], ARGV[from + 1], ARGV[from + 2])
redis.call('PEXPIREAT', KEYS[1], ARGV[from + 3])
return 1`

/**
 * Hashes in Redis, over a connection that lives for one round of work: rounds are minutes apart, and megabytes of entries
 * must not hold up the prices on theirs. No command has several keys, so in a cluster they are spread over the servers.
 */
export class RedisHashes implements DayHashes {
  readonly #options: RedisHashesOptions
  #redis: Redis | Cluster | undefined
  #lastError: string | undefined

  constructor(options: RedisHashesOptions) {
    this.#options = options
  }

  open(): Promise<Answer<void>> {
    this.close()
    const redis = connectionTo(this.#options)
    redis.on('error', (error: Error) => {
      this.#lastError = error.message
    })
    this.#redis = redis
    return this.#ask(() => redis.connect())
  }

  entries(part: Part): Promise<Answer<readonly string[]>> {
    return this.#ask((redis) => redis.hkeys(this.#key(part)))
  }

  read(part: Part, entry: string): Promise<Answer<Buffer | undefined>> {
    return this.#ask(async (redis) => (await redis.hgetBuffer(this.#key(part), entry)) ?? undefined)
  }

  write(part: Part, entry: string, { value, untilMs }: Stored): Promise<Answer<void>> {
    return this.#ask(async (redis) => {
      await Promise.all([redis.hset(this.#key(part), entry, value), redis.pexpireat(this.#key(part), untilMs)])
    })
  }

  merge(part: Part, { from, to, value, untilMs }: Merge): Promise<Answer<boolean>> {
    return this.#ask(async (redis) => (await redis.eval(MERGE, 1, this.#key(part), ...from, to, value, untilMs)) === 1)
  }

  close(): void {
    this.#redis?.disconnect()
    this.#redis = undefined
  }

  /** A pair's key goes on after the brace, so it is none of these. */
  #key({ day, share }: Part): string {
    return `${keyPrefix(this.#options.service)}{patterns-${day}-${share}}`
  }

  async #ask<T>(send: (redis: Redis | Cluster) => Promise<T>): Promise<Answer<T>> {
    if (this.#redis === undefined) return { ok: false, reason: 'not connected' }
    this.#lastError = undefined
    try {
      return { ok: true, value: await send(this.#redis) }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      // A connection that could not be made says why in its error event.
      const reason = /^Connection is closed/.test(message) ? (this.#lastError ?? message) : message
      return { ok: false, reason: (reason === '' ? 'unknown error' : reason).slice(0, REASON_LENGTH) }
    }
  }
}

function connectionTo({ urls, service }: RedisHashesOptions): Redis | Cluster {
  const options = {
    connectionName: `forewarm.${service}.patterns`,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    disconnectTimeout: 0,
    maxRetriesPerRequest: 1,
    // INFO is a right that a user may not have.
    enableReadyCheck: false,
    retryStrategy: () => null,
  }
  const [first = ''] = urls
  if (urls.length <= 1) return new Redis(first, { ...options, lazyConnect: true })
  const { username, password, protocol } = new URL(first)
  const user = {
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  }
  const nodes = urls.map((url) => ({ host: new URL(url).hostname, port: Number(new URL(url).port || 6379) }))
  return new Cluster(nodes, {
    lazyConnect: true,
    enableReadyCheck: false,
    clusterRetryStrategy: () => null,
    redisOptions: { ...options, ...user },
  })
}
