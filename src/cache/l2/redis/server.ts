import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Timer } from '../../../timer.ts'
import { CircuitBreaker } from '../../breaker.ts'
import type { L2Usage } from '../l2.ts'
import { emptyCall, type VersionedCall } from './batch.ts'
import { VersionedCalls } from './calls.ts'
import { keyPrefix } from './keys.ts'
import type { Operation } from './library.ts'
import { RedisLink, type RedisLinkOptions, type Replies } from './link.ts'
import type { OldKeys } from './old-keys.ts'

/** One server, or those of a cluster (cluster.ts). None of its promises rejects. */
export interface RedisServers {
  /** Resolves when the first attempt to connect has succeeded or failed; it goes on in the background until `close`. */
  open(): Promise<void>
  /** Why not everything can be served at present, and since when; undefined if everything can. */
  readonly trouble: Trouble | undefined
  /** Whether one group, or one call, may have keys of several chains. */
  readonly mixesChains: boolean
  /** One reply for each group: a list of its keys' values. */
  load(groups: readonly KeyGroup[]): Promise<Replies>
  /** One reply for each call: how many keys it has written or removed. */
  send(operation: Operation, calls: readonly VersionedCall[]): Promise<Replies>
  /** Finds out whether a server was emptied without losing its connections, and then calls `onReady`. */
  look(): Promise<void>
  /** The addresses of all servers that have values, and of the one that has a key. */
  readonly masters: readonly string[]
  masterOf(key: string): string | undefined
  /** Rises whenever a key may have another master than before. */
  readonly edition: number
  /** A server has said that it has not what it was asked for: finds out who has. */
  learn(): void
  /** What the servers hold; undefined if one did not say. */
  usage(): Promise<L2Usage | undefined>
  /** Closes at once; commands in flight are given up. May be called twice. */
  close(): void
}

export type KeyGroup = readonly string[]

export interface Trouble {
  readonly reason: string
  readonly sinceMs: number
}

export interface RedisServerOptions extends RedisLinkOptions {
  readonly timer: Timer
  /** True for a server of a cluster: if it redirects us to another, that is an answer and no failure. */
  readonly inCluster: boolean
  readonly service: string
  readonly oldKeys: OldKeys
}

/** One server: its connection, what is loaded on it, its clock, and whether it is worth asking. */
export class RedisServer implements RedisServers {
  readonly #options: RedisServerOptions
  readonly #link: RedisLink
  readonly #calls: VersionedCalls
  /** There are two, because a replica or a full Redis answers reads and refuses writes. */
  readonly #reads: CircuitBreaker
  readonly #writes: CircuitBreaker
  #opened: Promise<void> | undefined
  /** The marker as this connection first saw it. */
  #marker: { readonly key: string; readonly value: string } | undefined
  /** Whether this connection has answered for keys of two chains. */
  mixesChains = false

  constructor(options: RedisServerOptions) {
    this.#options = options
    this.#link = new RedisLink({ ...options, onReady: () => this.#connected() })
    this.#calls = new VersionedCalls(this.#link, options)
    this.#reads = new CircuitBreaker({ ...options, probe: () => this.#ping() })
    this.#writes = new CircuitBreaker({ ...options, probe: () => this.#writeNothing() })
  }

  /** May be called twice. */
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
    const get = (wanted: readonly KeyGroup[]) => this.#get(wanted, asking)
    return this.#guarded(this.#reads, async () => this.#options.oldKeys.fill(groups, await get(groups), get))
  }

  async send(operation: Operation, calls: readonly VersionedCall[], asking = false): Promise<Replies> {
    const send = () => this.#calls.send(operation, calls, asking)
    // A user who may not set stamps may go on writing values.
    const replies = operation === 'stamp' ? await send() : await this.#guarded(this.#writes, send)
    return asking ? withoutAsking(replies) : replies
  }

  /**
   * The marker is a key without a TTL and with a random value. After a flush somebody gives it another one, so every node
   * notices, whoever was the first to look.
   */
  async look(key = markerOf(this.#options.service, 0)): Promise<void> {
    const value = await this.#markerAt(key)
    if (value === undefined) return
    const isEmptied = this.#marker?.key === key && this.#marker.value !== value
    this.#marker = { key, value }
    if (isEmptied) this.#options.onReady()
  }

  async usage(): Promise<L2Usage | undefined> {
    const replies = await this.#link.trip((pipeline) => {
      pipeline.dbsize()
      pipeline.info('memory')
    })
    return replies.ok ? usageOf(replies.values) : undefined
  }

  get masters(): readonly string[] {
    return [new URL(this.#options.url).host]
  }

  masterOf(): string {
    return this.masters[0] as string
  }

  readonly edition = 0

  learn(): void {}

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
    this.#marker = undefined
    void this.#calls.prepare()
    if (!this.#options.inCluster) void this.look()
    void this.#findWhetherChainsMix()
    this.#options.onReady()
  }

  /** Sets the marker if there is none. Undefined if that fails, or another node was faster. */
  async #markerAt(key: string): Promise<string | undefined> {
    const [found] = await this.#answer((redis) => redis.get(key))
    if (found !== null) return found === undefined ? undefined : String(found)
    const value = randomUUID()
    const [set] = await this.#answer((redis) => redis.set(key, value, 'NX'))
    return set === 'OK' ? value : undefined
  }

  /** The one reply; none if the command failed. */
  async #answer(send: (redis: Redis) => Promise<unknown>): Promise<readonly unknown[]> {
    const replies = await this.#link.call(send)
    return replies.ok ? replies.values : []
  }

  /** A server of a cluster and some proxies refuse keys of different slots in one command. */
  async #findWhetherChainsMix(): Promise<void> {
    this.mixesChains = false
    if (this.#options.inCluster) return
    const replies = await this.#link.call((redis) => redis.mgetBuffer(keysOfTwoChains(this.#options.service)))
    this.mixesChains = replies.ok
  }

  async #guarded(breaker: CircuitBreaker, send: () => Promise<Replies>): Promise<Replies> {
    const reason = this.#link.down?.reason ?? breaker.open?.reason
    if (reason !== undefined) return { ok: false, reason }
    const replies = await send()
    if (replies.ok || (this.#options.inCluster && isElsewhere(replies.reason))) breaker.succeeded()
    else breaker.failed(replies.reason)
    return replies
  }

  async #get(groups: readonly KeyGroup[], asking: boolean): Promise<Replies> {
    const [only] = groups
    if (groups.length === 1 && only !== undefined && !asking)
      return this.#link.call((redis) => redis.mgetBuffer([...only]))
    const replies = await this.#link.trip((pipeline) => {
      for (const keys of groups) {
        if (asking) pipeline.asking()
        pipeline.mgetBuffer([...keys])
      }
    })
    return asking ? withoutAsking(replies) : replies
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

/** No pair has this key, as pairs have names. */
export function markerOf(service: string, chain: number): string {
  return `${keyPrefix(service)}{${chain}}:`
}

function keysOfTwoChains(service: string): string[] {
  return [0, 1].map((chain) => markerOf(service, chain))
}

/** The slot belongs to another server, or is being moved to one. */
function isElsewhere(reason: string): boolean {
  return /^(?:MOVED|ASK|TRYAGAIN) ?/.test(reason)
}

/** Leaves out the replies to ASKING, which stood before each command. */
function withoutAsking(replies: Replies): Replies {
  return replies.ok ? { ok: true, values: replies.values.filter((_, at) => at % 2 === 1) } : replies
}

/** Reads the replies to DBSIZE and INFO memory; a server without a bound tells a maxmemory of 0. */
function usageOf([entries, info]: readonly unknown[]): L2Usage | undefined {
  const told = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(String(info))?.[1])
  const bytes = told('used_memory')
  const capacityBytes = told('maxmemory')
  if (typeof entries !== 'number' || Number.isNaN(bytes)) return undefined
  return { entries, bytes, ...(capacityBytes > 0 && { capacityBytes }) }
}
