import type { Clock } from '../../../clock.ts'
import type { Timer } from '../../../timer.ts'
import { CircuitBreaker } from '../../breaker.ts'
import type { L2Usage } from '../l2.ts'
import { emptyCall, type VersionedCall } from './batch.ts'
import { VersionedCalls } from './calls.ts'
import type { Operation } from './library.ts'
import { RedisLink, type Replies } from './link.ts'

/** What L2 speaks to: one server, or those of a cluster (l2-redis-cluster.ts). Nothing here rejects. */
export interface RedisServers {
  /** Resolves when the first attempt to connect has succeeded or failed; it goes on in the background until `close`. */
  open(): Promise<void>
  /** Why not everything can be served at present, and since when. */
  readonly trouble: Trouble | undefined
  /** One reply a group, a list of its keys' values; the keys of a group are those of one chain. */
  load(groups: readonly KeyGroup[]): Promise<Replies>
  /** One reply a call: how many keys it has written or removed. */
  send(operation: Operation, calls: readonly VersionedCall[]): Promise<Replies>
  /** What the servers hold; undefined where one did not say. */
  usage(): Promise<L2Usage | undefined>
  /** At once; what is under way is given up. Twice is once. */
  close(): void
}

export type KeyGroup = readonly string[]

export interface Trouble {
  readonly reason: string
  readonly sinceMs: number
}

export interface RedisServerOptions {
  readonly url: string
  readonly connectionName: string
  readonly commandTimeoutMs: number
  readonly clock: Clock
  readonly timer: Timer
  readonly random: () => number
  /** One of a cluster: that it sends us to another is an answer, and no failure of this one. */
  readonly inCluster: boolean
  /** Called on every new connection. */
  readonly onReady: () => void
  /** Called when the connection is lost, and after every attempt to make one that failed. */
  readonly onDown?: () => void
}

/** One server: its connection, what is loaded on it and its clock, and whether it is worth asking. */
export class RedisServer implements RedisServers {
  readonly #options: RedisServerOptions
  readonly #link: RedisLink
  readonly #calls: VersionedCalls
  /** Apart, because a replica or a full Redis answers reads and refuses writes. */
  readonly #reads: CircuitBreaker
  readonly #writes: CircuitBreaker
  #opened: Promise<void> | undefined

  constructor(options: RedisServerOptions) {
    this.#options = options
    this.#link = new RedisLink({ ...options, onReady: () => this.#connected() })
    this.#calls = new VersionedCalls(this.#link, options.commandTimeoutMs)
    this.#reads = new CircuitBreaker({ ...options, probe: () => this.#ping() })
    this.#writes = new CircuitBreaker({ ...options, probe: () => this.#writeNothing() })
  }

  /** Twice is once. */
  open(): Promise<void> {
    this.#opened ??= this.#link.open()
    return this.#opened
  }

  get trouble(): Trouble | undefined {
    return this.#link.down ?? this.#reads.open ?? this.#writes.open
  }

  get isConnected(): boolean {
    return this.#link.down === undefined
  }

  async load(groups: readonly KeyGroup[], asking = false): Promise<Replies> {
    const [only] = groups
    const replies = await this.#guarded(this.#reads, () =>
      groups.length === 1 && only !== undefined && !asking
        ? this.#link.call((redis) => redis.mgetBuffer([...only]))
        : this.#link.trip((pipeline) => {
            for (const keys of groups) {
              if (asking) pipeline.asking()
              pipeline.mgetBuffer([...keys])
            }
          }),
    )
    return asking ? withoutAsking(replies) : replies
  }

  async send(operation: Operation, calls: readonly VersionedCall[], asking = false): Promise<Replies> {
    const replies = await this.#guarded(this.#writes, () => this.#calls.send(operation, calls, asking))
    return asking ? withoutAsking(replies) : replies
  }

  async usage(): Promise<L2Usage | undefined> {
    const replies = await this.#link.trip((pipeline) => {
      pipeline.dbsize()
      pipeline.info('memory')
    })
    return replies.ok ? usageOf(replies.values) : undefined
  }

  /** The reply to CLUSTER SLOTS. */
  async slots(): Promise<Replies> {
    return this.#link.trip((pipeline) => pipeline.cluster('SLOTS'))
  }

  close(): void {
    this.#reads.close()
    this.#writes.close()
    this.#link.close()
  }

  #connected(): void {
    this.#reads.halfOpen()
    this.#writes.halfOpen()
    void this.#calls.prepare()
    this.#options.onReady()
  }

  async #guarded(breaker: CircuitBreaker, send: () => Promise<Replies>): Promise<Replies> {
    const reason = this.#link.down?.reason ?? breaker.open?.reason
    if (reason !== undefined) return { ok: false, reason }
    const replies = await send()
    if (replies.ok || (this.#options.inCluster && isElsewhere(replies.reason))) breaker.succeeded()
    else breaker.failed(replies.reason)
    return replies
  }

  async #ping(): Promise<string | undefined> {
    const replies = await this.#link.trip((pipeline) => pipeline.ping())
    return replies.ok ? undefined : replies.reason
  }

  async #writeNothing(): Promise<string | undefined> {
    const replies = await this.#calls.send('write', [emptyCall()])
    return replies.ok ? undefined : replies.reason
  }
}

/** The slot is another server's, or is being moved to one. */
function isElsewhere(reason: string): boolean {
  return /^(?:MOVED|ASK|TRYAGAIN) ?/.test(reason)
}

/** Each command had an ASKING before it. */
function withoutAsking(replies: Replies): Replies {
  return replies.ok ? { ok: true, values: replies.values.filter((_, at) => at % 2 === 1) } : replies
}

/** Of the replies to DBSIZE and INFO memory; a server without a bound tells 0. */
function usageOf([entries, info]: readonly unknown[]): L2Usage | undefined {
  const told = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(String(info))?.[1])
  const bytes = told('used_memory')
  const capacityBytes = told('maxmemory')
  if (typeof entries !== 'number' || Number.isNaN(bytes)) return undefined
  return { entries, bytes, ...(capacityBytes > 0 && { capacityBytes }) }
}
