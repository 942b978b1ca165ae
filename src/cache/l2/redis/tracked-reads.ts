import { monotonicMs } from '../../../monotonic.ts'
import type { Timer } from '../../../timer.ts'
import type { PairTable } from '../../names/pair-table.ts'
import type { Sources } from '../../sources/sources.ts'
import type { TrackedValue, Tracking, TrackingListener } from '../tracking.ts'
import { decodeValue, type Kind } from '../value.ts'
import type { PairKeys } from './keys.ts'
import { type Moments, NeededStamps } from './needed-stamps.ts'
import type { RedisServers } from './server.ts'
import { StampTimes } from './stamp-times.ts'
import { isAnswer, isRefusal, TrackedServer } from './tracked-server.ts'

export interface TrackedReadsOptions {
  /** Those of L2, which know which of them has a key. */
  readonly servers: Pick<RedisServers, 'masters' | 'masterOf' | 'edition' | 'mixesChains' | 'learn'>
  readonly isCluster: boolean
  /** User, password and TLS of this URL hold for all servers. */
  readonly url: string
  readonly keys: PairKeys
  readonly table: PairTable
  readonly sources: Sources
  readonly connectionName: string
  readonly commandTimeoutMs: number
  readonly timer: Timer
  readonly random: () => number
  /** Milliseconds of the clock of the sources' moments. */
  readonly now?: (() => number) | undefined
  readonly kind?: Kind | undefined
}

const KEYS_A_READ = 512
/** How long the key that says that stamps are read outlives the last reading of them, and how often it is set. */
const READERS_TTL_MS = 3_000
const READERS_EVERY_MS = 1_000
/** How long stamps are not read again after they were refused, at first and at most. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000
const ALL_CHAINS = -1

/** Tracked reads of one Redis, or of all masters of a cluster: those are armed, and in doubt, together. */
export class TrackedReads implements Tracking {
  readonly #options: TrackedReadsOptions
  readonly #servers = new Map<string, TrackedServer>()
  readonly #now: () => number
  #listener: TrackingListener | undefined
  #isArmed = false
  #isSilent = false
  /** That of the servers when the masters were met last. */
  #edition = -1
  readonly #needed: NeededStamps
  #readersSetAtMs = Number.NEGATIVE_INFINITY
  readonly #times = new StampTimes()
  /** Stamps were refused, and are not asked for before. */
  #stampsAgainMs = Number.NEGATIVE_INFINITY
  #pauseMs = 0
  readonly #complaints = new Set<string>()

  constructor(options: TrackedReadsOptions) {
    this.#options = options
    this.#now = options.now ?? monotonicMs
    this.#needed = new NeededStamps(options.sources)
  }

  open(listener: TrackingListener): void {
    this.#listener = listener
    this.#meetMasters()
  }

  async read(pairIds: readonly number[]): Promise<readonly TrackedValue[] | undefined> {
    const { keys } = this.#options
    const mixesChains = this.#options.servers.mixesChains
    const groups = keys.group(pairIds, { from: 0, to: pairIds.length, limit: KEYS_A_READ, mixesChains })
    const values = new Array<TrackedValue>(pairIds.length)
    const visits = new Map<TrackedServer, (readonly number[])[]>()
    for (const group of groups) {
      const server = this.#serverOf(keys.keyOf(pairIds[group[0] as number] as number))
      if (server === undefined) return undefined
      visits.set(server, [...(visits.get(server) ?? []), group])
    }
    const keyAt = (at: number) => keys.keyOf(pairIds[at] as number)
    const read = async ([server, visited]: [TrackedServer, (readonly number[])[]]): Promise<boolean> => {
      const replies = await server.trip((pipeline) => {
        for (const group of visited) pipeline.mgetBuffer(group.map(keyAt))
      })
      for (const [which, group] of visited.entries()) {
        const [error, bytes] = replies?.[which] ?? [null, undefined]
        this.#follow(error)
        this.#complain('values of other nodes cannot be read', error)
        if (error !== null || !Array.isArray(bytes)) return false
        for (const [place, at] of group.entries()) values[at] = this.#taken(pairIds[at] as number, bytes[place])
      }
      return true
    }
    const answered = await Promise.all([...visits].map(read))
    return answered.includes(false) ? undefined : values
  }

  async stamps(): Promise<ReadonlyMap<string, number> | undefined> {
    const isMoved = this.#edition !== this.#options.servers.edition
    this.#meetMasters()
    // Nobody tells of the keys that were missing where their slot has come from.
    if (isMoved) {
      this.#doubted()
      return undefined
    }
    if (!this.#isArmed) return undefined
    if (this.#now() < this.#stampsAgainMs) return new Map()
    const isSetting = this.#now() - this.#readersSetAtMs > READERS_EVERY_MS
    if (isSetting) this.#readersSetAtMs = this.#now()
    // Who reads values needs no moments, so their owners need not hurry.
    const isReader = isSetting && this.#options.kind !== 'values'
    const all = await Promise.all([...this.#hashes()].map((visit) => this.#stampsAt(visit, isReader)))
    if (!this.#isArmed || all.includes(undefined)) return undefined
    const byChain = new Map(all.flatMap((stamps) => stamps ?? []))
    if (isSetting) this.#dropIdle(byChain)
    return this.#needed.merged(byChain)
  }

  /** A chain that nobody reads any more costs nothing, and holds back none that is read. */
  #dropIdle(byChain: Map<number, Moments>): void {
    if (!this.#options.isCluster) return
    const inUse = this.#listener?.dropIdle((pairId) => this.#options.table.chainOf(pairId))
    for (const chain of this.#needed.chains) {
      if (inUse?.has(chain) !== false) continue
      this.forgetChain(chain)
      byChain.delete(chain)
    }
  }

  forgetChain(chainId: number): void {
    this.#needed.forget(chainId)
    this.#times.forget(chainId)
  }

  /** The stamps of chains; none if the server refuses them, undefined if it does not answer. */
  async #stampsAt(
    [server, chains]: [TrackedServer, number[]],
    isSetting: boolean,
  ): Promise<[number, Moments][] | undefined> {
    const keys = chains.map((chain) => this.#options.keys.stampsOf(chain === ALL_CHAINS ? undefined : chain))
    const sentAtMs = this.#now()
    const replies = await server.trip((pipeline) => {
      pipeline.time()
      for (const [hash] of keys) pipeline.hgetall(hash)
      // A user who may not set it gets stamps that are a second apart.
      if (isSetting) for (const [, readers] of keys) pipeline.set(readers, '', 'PX', READERS_TTL_MS)
    })
    // An error that the server answers is no loss: all connections would get the same.
    if (replies === undefined || replies.some(([error]) => error !== null && !isAnswer(error))) return undefined
    for (const [error] of replies) this.#follow(error)
    if (replies.some(([error]) => isMove(error))) return []
    for (const [error] of replies.slice(1 + chains.length)) {
      this.#complain('the readers of stamps cannot be set', error)
      // The owner sets stamps but once a second until it sees the key, so a Redis that is full is asked again at once.
      if (error !== null && !error.message.startsWith('NOPERM')) this.#readersSetAtMs = Number.NEGATIVE_INFINITY
    }
    const [refused] = replies.slice(0, 1 + chains.length).find(([error]) => error !== null) ?? []
    if (refused instanceof Error) {
      this.#complain('how fresh the values of other nodes are cannot be read', refused)
      this.#pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, 2 * this.#pauseMs), LONGEST_PAUSE_MS)
      this.#stampsAgainMs = this.#now() + this.#pauseMs
      return []
    }
    this.#pauseMs = 0
    const [time, ...fields] = replies.map(([, reply]) => reply)
    if (!Array.isArray(time)) return undefined
    const redisMs = Number(time[0]) * 1000 + Number(time[1]) / 1000
    return chains.map((chain, at) => [chain, this.#times.of(chain, fields[at], { redisMs, sentAtMs })])
  }

  async toldAll(): Promise<boolean> {
    if (!this.#isTracking) return true
    const pongs = await Promise.all([...this.#servers.values()].map((server) => server.pong()))
    return !pongs.includes(false)
  }

  reset(): void {
    this.#meetMasters()
    for (const server of this.#servers.values()) server.reset()
  }

  silence(isSilent: boolean): void {
    this.#isSilent = isSilent
    for (const server of this.#servers.values()) server.silence(isSilent)
  }

  close(): void {
    for (const server of this.#servers.values()) server.close()
    this.#servers.clear()
  }

  /** The slot of a key has moved. Once it is known where to, the edition of the servers is another one. */
  #follow(error: Error | null): void {
    if (isMove(error)) this.#options.servers.learn()
  }

  #complain(what: string, error: Error | null): void {
    if (!isRefusal(error) || this.#complaints.has(what)) return
    this.#complaints.add(what)
    this.#listener?.limited(`${what}: ${error.message}`)
  }

  #taken(pairId: number, bytes: unknown): TrackedValue {
    const { isCluster, sources, table } = this.#options
    const decoded = Buffer.isBuffer(bytes) ? decodeValue(bytes, this.#options.kind) : 'gone'
    const isValue = decoded !== 'gone' && decoded.ok && decoded.price !== undefined
    // Also where a pair is missing: reading the stamps shows whether the slot moves.
    if (isCluster) this.#needed.note(table.chainOf(pairId), isValue ? sources.ofCode(decoded.sourceCode) : undefined)
    return decoded
  }

  /** Which server has the stamps of which chains. */
  #hashes(): Map<TrackedServer, number[]> {
    const { isCluster, keys } = this.#options
    const chains = isCluster ? this.#needed.chains : [ALL_CHAINS]
    const hashes = new Map<TrackedServer, number[]>()
    for (const chain of chains) {
      const [hash] = keys.stampsOf(chain === ALL_CHAINS ? undefined : chain)
      const server = this.#serverOf(hash)
      if (server !== undefined) hashes.set(server, [...(hashes.get(server) ?? []), chain])
    }
    return hashes
  }

  #serverOf(key: string): TrackedServer | undefined {
    return this.#servers.get(this.#options.servers.masterOf(key) ?? '')
  }

  /** Connects to the masters that there are, and leaves those that are none any more. */
  #meetMasters(): void {
    const { servers, isCluster, keys, ...options } = this.#options
    const masters = new Set(servers.masters)
    this.#edition = servers.edition
    const left = [...this.#servers].filter(([address]) => !masters.has(address))
    if (left.length > 0 || masters.size > this.#servers.size) this.#lost()
    for (const [address, server] of left) {
      server.close()
      this.#servers.delete(address)
    }
    for (const address of masters) {
      if (this.#servers.has(address)) continue
      const url = new URL(options.url)
      if (isCluster) url.host = address
      const server = new TrackedServer({
        ...options,
        url: url.href,
        testKey: isCluster ? undefined : `${keys.stampsOf(undefined)[0]}test`,
        onArmed: () => this.#armed(),
        onLost: () => this.#lost(),
        onKeys: (changed) => this.#changed(changed),
        onRefused: (reason) => this.#listener?.refused(reason),
      })
      this.#servers.set(address, server)
      if (this.#isSilent) server.silence(true)
      server.open()
    }
    if (left.length > 0) this.#armed()
  }

  #armed(): void {
    if (this.#servers.size === 0 || ![...this.#servers.values()].every((server) => server.isArmed)) return
    this.#isArmed = true
    this.#readersSetAtMs = Number.NEGATIVE_INFINITY
    this.#listener?.armed(this.#isTracking ? 'told' : 'poll')
  }

  /** Servers that do not track reads are polled, and then all are. */
  get #isTracking(): boolean {
    return [...this.#servers.values()].every((server) => server.isTracking)
  }

  #lost(): void {
    if (!this.#isArmed) return
    this.#isArmed = false
    this.#listener?.lost()
  }

  #changed(keys: readonly Buffer[] | null): void {
    // All of a server was flushed.
    if (keys === null) this.#doubted()
    for (const key of keys ?? []) {
      const pairId = this.#options.keys.pairOf(key.toString())
      if (pairId >= 0) this.#listener?.changed(pairId)
    }
  }

  #doubted(): void {
    if (!this.#isArmed) return
    this.#listener?.lost()
    this.#listener?.armed(this.#isTracking ? 'told' : 'poll')
  }
}

function isMove(error: Error | null): boolean {
  return error !== null && /^(?:MOVED|ASK|TRYAGAIN)/.test(error.message)
}
