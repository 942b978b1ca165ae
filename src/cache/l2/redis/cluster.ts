import { Alarm } from '../../../alarm.ts'
import type { L2Usage } from '../l2.ts'
import type { VersionedCall } from './batch.ts'
import type { Operation } from './library.ts'
import type { Replies } from './link.ts'
import {
  type KeyGroup,
  markerOf,
  RedisServer,
  type RedisServerOptions,
  type RedisServers,
  type Trouble,
} from './server.ts'
import { redirectionOf, SLOTS, slotOfKey, slotRanges } from './slot.ts'

export interface RedisClusterOptions extends Omit<RedisServerOptions, 'url' | 'inCluster' | 'onDown'> {
  /** Some of the servers, which tell of the others. User, password and TLS of the first URL hold for all. */
  readonly urls: readonly string[]
}

const MAX_REDIRECTIONS = 4
/** While not all of the cluster serves, how long until it is asked again who has which slots. */
const ASK_AGAIN_MS = 500

/**
 * The masters of a Redis Cluster, each with a connection, a clock, a library and breakers of its own. A trip sends one
 * pipeline to each master that it concerns, all at the same time. The client's own cluster mode is not used, for three
 * reasons. It queues what it cannot send, and that cannot be switched off. It sends again by itself. And it redirects a
 * call to another server with the deadline that was worked out on the clock of the first.
 *
 * The cluster is asked who has which slots on each new or lost connection, and every half second while something is
 * wrong. A master that no longer has a slot tells it, too (MOVED). A chain whose master is away is unavailable, and the
 * others go on, if Redis lets them (`cluster-require-full-coverage no`).
 */
export class RedisCluster implements RedisServers {
  readonly mixesChains = false
  edition = 0
  readonly #options: RedisClusterOptions
  readonly #seeds: readonly string[]
  readonly #servers = new Map<string, RedisServer>()
  /** The address of each slot's master. */
  readonly #masters: (string | undefined)[] = Array.from({ length: SLOTS })
  /** The addresses of all masters; empty until a server has told them. */
  #owners: ReadonlySet<string> = new Set()
  #hasGap = false
  /** Why the last server that was asked for the slots did not tell them. */
  #slotsFailure: string | undefined
  #downSinceMs: number
  #asking: Promise<void> | undefined
  readonly #askAgain: Alarm
  #closed = false

  constructor(options: RedisClusterOptions) {
    this.#options = options
    this.#downSinceMs = options.clock.now()
    this.#askAgain = new Alarm(() => void this.#askForSlots(), options.timer)
    this.#seeds = options.urls.map((url) => addressIn(new URL(url)))
  }

  async open(): Promise<void> {
    await Promise.all(this.#seeds.map((address) => this.#serverAt(address).open()))
    await this.#askForSlots()
    await Promise.all([...this.#owners].map((address) => this.#serverAt(address).open()))
  }

  get trouble(): Trouble | undefined {
    for (const address of this.#owners) {
      const trouble = this.#servers.get(address)?.trouble
      if (trouble !== undefined) return { reason: `${address}: ${trouble.reason}`, sinceMs: trouble.sinceMs }
    }
    if (this.#owners.size > 0 && !this.#hasGap) return undefined
    const reason = this.#hasGap ? 'CLUSTERDOWN slots without a master' : this.#seedTrouble()
    return { reason, sinceMs: this.#downSinceMs }
  }

  load(groups: readonly KeyGroup[]): Promise<Replies> {
    const slots = groups.map(([key = '']) => slotOfKey(key))
    return this.#visit(groups, slots, (server, own, asking) => server.load(own, asking))
  }

  send(operation: Operation, calls: readonly VersionedCall[]): Promise<Replies> {
    const slots = calls.map(({ keys: [key = ''] }) => slotOfKey(key))
    return this.#visit(calls, slots, (server, own, asking) => server.send(operation, own, asking))
  }

  async look(): Promise<void> {
    const looks = [...this.#owners].map((address) => this.#servers.get(address)?.look(this.#markerAt(address)))
    await Promise.all(looks)
  }

  /** The first marker whose slot the master has. */
  #markerAt(address: string): string {
    const { service } = this.#options
    for (let chain = 0; ; chain++) {
      const marker = markerOf(service, chain)
      if (this.#masters[slotOfKey(marker)] === address) return marker
    }
  }

  get masters(): readonly string[] {
    return [...this.#owners]
  }

  masterOf(key: string): string | undefined {
    return this.#masters[slotOfKey(key)]
  }

  learn(): void {
    void this.#askForSlots()
  }

  /** The sum over all masters. */
  async usage(): Promise<L2Usage | undefined> {
    const masters = [...this.#owners].flatMap((address) => this.#servers.get(address) ?? [])
    const all = await Promise.all(masters.map((master) => master.usage()))
    const told = all.filter((usage) => usage !== undefined)
    if (told.length === 0 || told.length < all.length) return undefined
    const sum = (of: (usage: L2Usage) => number) => told.reduce((total, usage) => total + of(usage), 0)
    const capacityBytes = told.every((usage) => usage.capacityBytes !== undefined)
      ? { capacityBytes: sum((usage) => usage.capacityBytes ?? 0) }
      : {}
    return { entries: sum(({ entries }) => entries), bytes: sum(({ bytes }) => bytes), ...capacityBytes }
  }

  close(): void {
    this.#closed = true
    this.#askAgain.close()
    for (const server of this.#servers.values()) server.close()
    this.#servers.clear()
  }

  /** Sends each part to the master of its slot, and on to where that redirects it. The first failure is that of the whole. */
  async #visit<T>(parts: readonly T[], slots: readonly number[], sendTo: SendTo<T>): Promise<Replies> {
    const served = new Map<number, unknown>()
    const asks = new Map<number, string>()
    let failure: string | undefined
    let left: readonly number[] = slots.map((_, at) => at)
    for (let round = 0; left.length > 0; round++) {
      if (round > MAX_REDIRECTIONS) {
        failure ??= `MOVED more than ${MAX_REDIRECTIONS} times`
        break
      }
      const visits = this.#visits(left, slots, asks)
      if (visits.reduce((sum, { positions }) => sum + positions.length, 0) < left.length)
        failure ??= this.trouble?.reason ?? 'CLUSTERDOWN slots without a master'
      const outcomes = await Promise.all(
        visits.map(({ server, positions, asking }) => {
          const own = positions.map((at) => parts[at] as T)
          return sendTo(server, own, asking)
        }),
      )
      const again: number[] = []
      for (const [which, outcome] of outcomes.entries()) {
        const { address, positions } = visits[which] as Visit
        if (outcome.ok) for (const [place, at] of positions.entries()) served.set(at, outcome.values[place])
        else if (this.#follow(outcome.reason, address, asks)) again.push(...positions)
        else {
          failure ??= outcome.reason
          for (const [place, value] of outcome.served ?? []) served.set(positions[place] as number, value)
        }
      }
      left = again
    }
    if (failure !== undefined) return { ok: false, reason: failure, served }
    return { ok: true, values: slots.map((_, at) => served.get(at)) }
  }

  /** One visit for each server, or two if slots are just moving to it. A slot without a master has none. */
  #visits(positions: readonly number[], slots: readonly number[], asks: ReadonlyMap<number, string>): readonly Visit[] {
    const visits = new Map<string, Visit>()
    for (const at of positions) {
      const slot = slots[at] as number
      const asked = asks.get(slot)
      const address = asked ?? this.#masters[slot]
      if (address === undefined) continue
      const asking = asked !== undefined
      const visit = visits.get(`${address} ${asking}`)
      if (visit === undefined)
        visits.set(`${address} ${asking}`, { server: this.#serverAt(address), address, asking, positions: [at] })
      else visit.positions.push(at)
    }
    return [...visits.values()]
  }

  #follow(reason: string, askedAddress: string, asks: Map<number, string>): boolean {
    const redirection = redirectionOf(reason, hostIn(askedAddress))
    if (redirection === undefined) return false
    const { kind, slot, address } = redirection
    // ASK holds for this call alone: the slot still belongs to the server that was asked, which has moved some keys.
    if (kind === 'ASK') asks.set(slot, address)
    else {
      asks.delete(slot)
      this.#masters[slot] = address
      this.edition++
      void this.#askForSlots()
    }
    return true
  }

  #serverAt(address: string): RedisServer {
    const known = this.#servers.get(address)
    if (known !== undefined) return known
    const { urls, ...options } = this.#options
    const url = new URL(urls[0] as string)
    url.host = address
    const server = new RedisServer({
      ...options,
      url: url.href,
      inCluster: true,
      onReady: () => {
        void this.#askForSlots()
        options.onReady()
      },
      onDown: () => void this.#askForSlots(),
    })
    this.#servers.set(address, server)
    void server.open()
    return server
  }

  /** Asks once at a time; resolves when that is done. */
  #askForSlots(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  /** Asks the connected servers, one after the other, until one tells. */
  async #ask(): Promise<void> {
    if (this.#closed) return
    this.#askAgain.clear()
    for (const [address, server] of [...this.#servers]) if (await this.#tells(address, server)) break
    if (this.trouble !== undefined) this.#askAgain.set(ASK_AGAIN_MS * (0.5 + this.#options.random()))
  }

  async #tells(address: string, server: RedisServer): Promise<boolean> {
    if (!server.isConnected) return false
    const replies = await server.slots()
    this.#slotsFailure = replies.ok ? undefined : replies.reason
    const ranges = replies.ok ? slotRanges(replies.values[0], hostIn(address)) : undefined
    if (ranges === undefined || ranges.length === 0 || this.#closed) return false
    const mapBefore = this.#masters.join()
    this.#masters.fill(undefined)
    for (const { from, to, address } of ranges) this.#masters.fill(address, from, to + 1)
    if (this.#masters.join() !== mapBefore) this.edition++
    const before = this.#owners
    this.#owners = new Set(ranges.map((range) => range.address))
    // A server to which we were connected already has become a master.
    const isNew = (address: string) => this.#servers.get(address)?.isConnected === true && !before.has(address)
    if (before.size > 0 && [...this.#owners].some(isNew)) this.#options.onReady()
    if (this.#masters.includes(undefined)) {
      if (!this.#hasGap) this.#downSinceMs = this.#options.clock.now()
      this.#hasGap = true
    } else this.#hasGap = false
    this.#keepOwners()
    void this.look()
    return true
  }

  #keepOwners(): void {
    for (const address of this.#owners) this.#serverAt(address)
    for (const [address, server] of this.#servers) {
      if (this.#owners.has(address) || this.#seeds.includes(address)) continue
      this.#servers.delete(address)
      server.close()
    }
  }

  #seedTrouble(): string {
    for (const address of this.#seeds) {
      const trouble = this.#servers.get(address)?.trouble
      if (trouble !== undefined) return trouble.reason
    }
    return this.#slotsFailure ?? 'CLUSTERDOWN no server has told who has which slot'
  }
}

type SendTo<T> = (server: RedisServer, parts: readonly T[], asking: boolean) => Promise<Replies>

interface Visit {
  readonly server: RedisServer
  readonly address: string
  readonly asking: boolean
  readonly positions: number[]
}

/** `host:port`, with the default port if none is given. */
function addressIn(url: URL): string {
  return `${url.hostname}:${url.port === '' ? 6379 : url.port}`
}

function hostIn(address: string): string {
  return address.slice(0, address.lastIndexOf(':'))
}
