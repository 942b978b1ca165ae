import { monotonicMs } from '../../../monotonic.ts'
import type { Timer } from '../../../timer.ts'
import type { PairTable } from '../../names/pair-table.ts'
import { type Sources, sourceName } from '../../sources/sources.ts'
import type { TrackedValue, Tracking, TrackingListener } from '../tracking.ts'
import { decodeValue } from '../value.ts'
import type { PairKeys } from './keys.ts'
import type { RedisServers } from './server.ts'
import { TrackedServer } from './tracked-server.ts'

export interface TrackedReadsOptions {
  /** Those of L2, which know which of them has a key. */
  readonly servers: Pick<RedisServers, 'masters' | 'masterOf' | 'mixesChains' | 'learn'>
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
}

const KEYS_A_READ = 512
/** How long the key that says that stamps are read outlives the last reading of them, and how often it is set. */
const READERS_TTL_MS = 3_000
const READERS_EVERY_MS = 1_000
const ALL_CHAINS = -1

type Stamps = Map<string, number>

/** Tracked reads of one Redis, or of all masters of a cluster: those are armed, and in doubt, together. */
export class TrackedReads implements Tracking {
  readonly #options: TrackedReadsOptions
  readonly #servers = new Map<string, TrackedServer>()
  readonly #now: () => number
  #listener: TrackingListener | undefined
  #isArmed = false
  #isTracking = true
  #isSilent = false
  /** The sources of the values that were read, by chain: those must have a stamp there. Used in a cluster. */
  readonly #needed = new Map<number, Set<number>>()
  #readersSetAtMs = Number.NEGATIVE_INFINITY

  constructor(options: TrackedReadsOptions) {
    this.#options = options
    this.#now = options.now ?? monotonicMs
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
        if (error !== null || !Array.isArray(bytes)) return false
        for (const [place, at] of group.entries()) values[at] = this.#taken(pairIds[at] as number, bytes[place])
      }
      return true
    }
    const answered = await Promise.all([...visits].map(read))
    return answered.includes(false) ? undefined : values
  }

  async stamps(): Promise<ReadonlyMap<string, number> | undefined> {
    if (!this.#isArmed) this.#meetMasters()
    const hashes = this.#hashes()
    const isSetting = this.#now() - this.#readersSetAtMs > READERS_EVERY_MS
    const read = async ([server, chains]: [TrackedServer, number[]]): Promise<[number, Stamps][] | undefined> => {
      const keys = chains.map((chain) => this.#options.keys.stampsOf(chain === ALL_CHAINS ? undefined : chain))
      const sentAtMs = this.#now()
      const replies = await server.trip((pipeline) => {
        pipeline.time()
        for (const [hash] of keys) pipeline.hgetall(hash)
        // A user who may not set it gets stamps that are a second apart.
        if (isSetting) for (const [, readers] of keys) pipeline.set(readers, '', 'PX', READERS_TTL_MS)
      })
      const [time, ...fields] = replies ?? []
      if (time === undefined || !Array.isArray(time[1])) return undefined
      // How far Redis's clock is ahead of ours, at most.
      const aheadMs = Number(time[1][0]) * 1000 + Number(time[1][1]) / 1000 - sentAtMs
      for (const [error] of fields) this.#follow(error)
      if (fields.slice(0, chains.length).some(([error]) => error !== null)) return undefined
      return chains.map((chain, at) => [chain, stampsIn(fields[at]?.[1], aheadMs)])
    }
    const all = await Promise.all([...hashes].map(read))
    if (!this.#isArmed || all.includes(undefined)) return undefined
    if (isSetting) this.#readersSetAtMs = this.#now()
    return this.#merged(new Map(all.flatMap((stamps) => stamps ?? [])))
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

  /** The slot of a key has moved. Nobody tells of the keys that were missing there, so all pairs are read again. */
  #follow(error: Error | null): void {
    if (error === null || !/^(?:MOVED|ASK|TRYAGAIN)/.test(error.message)) return
    this.#options.servers.learn()
    this.reset()
  }

  #taken(pairId: number, bytes: unknown): TrackedValue {
    if (!Buffer.isBuffer(bytes)) return 'gone'
    const decoded = decodeValue(bytes)
    if (this.#options.isCluster) {
      const chainId = this.#options.table.chainOf(pairId)
      const needed = this.#needed.get(chainId) ?? new Set()
      this.#needed.set(chainId, needed)
      if (decoded.ok && decoded.price !== undefined) needed.add(this.#options.sources.ofCode(decoded.sourceCode))
    }
    return decoded
  }

  /** Which server has the stamps of which chains. */
  #hashes(): Map<TrackedServer, number[]> {
    const { isCluster, keys } = this.#options
    const chains = isCluster ? [...this.#needed.keys()] : [ALL_CHAINS]
    const hashes = new Map<TrackedServer, number[]>()
    for (const chain of chains) {
      const [hash] = keys.stampsOf(chain === ALL_CHAINS ? undefined : chain)
      const server = this.#serverOf(hash)
      if (server !== undefined) hashes.set(server, [...(hashes.get(server) ?? []), chain])
    }
    return hashes
  }

  /** The earliest of a source's moments. A source without a stamp where its values are has lost some: it has none. */
  #merged(byChain: ReadonlyMap<number, Stamps>): Stamps {
    const { sources, isCluster } = this.#options
    const merged: Stamps = new Map()
    for (const stamps of byChain.values())
      for (const [name, atMs] of stamps) merged.set(name, Math.min(atMs, merged.get(name) ?? atMs))
    if (!isCluster) return merged
    for (const [chain, needed] of this.#needed)
      for (const id of needed) {
        const source = sources.at(id)
        if (source !== undefined && byChain.get(chain)?.has(sourceName(source)) !== true)
          merged.delete(sourceName(source))
      }
    return merged
  }

  #serverOf(key: string): TrackedServer | undefined {
    return this.#servers.get(this.#options.servers.masterOf(key) ?? '')
  }

  /** Connects to the masters that there are, and leaves those that are none any more. */
  #meetMasters(): void {
    const { servers, isCluster, keys, ...options } = this.#options
    const masters = new Set(servers.masters)
    for (const [address, server] of this.#servers) {
      if (masters.has(address)) continue
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
        onArmed: (isTracking) => this.#armed(isTracking),
        onLost: () => this.#lost(),
        onKeys: (changed) => this.#changed(changed),
        onRefused: (reason) => this.#listener?.refused(reason),
      })
      this.#servers.set(address, server)
      if (this.#isSilent) server.silence(true)
      server.open()
    }
  }

  #armed(isTracking: boolean): void {
    this.#isTracking = isTracking
    if (![...this.#servers.values()].every((server) => server.isArmed)) return
    this.#isArmed = true
    this.#listener?.armed(isTracking ? 'told' : 'poll')
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

/** The stamps of a hash, on our clock. */
function stampsIn(fields: unknown, aheadMs: number): Stamps {
  const stamps: Stamps = new Map()
  if (typeof fields !== 'object' || fields === null) return stamps
  for (const [name, value] of Object.entries(fields)) {
    const atMs = Number(value) - aheadMs
    if (Number.isFinite(atMs)) stamps.set(name, atMs)
  }
  return stamps
}
