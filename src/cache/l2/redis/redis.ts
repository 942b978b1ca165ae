import { DEFAULT_SERVICE } from '../../../../schemas/topics.ts'
import type { Clock } from '../../../clock.ts'
import { InFlight } from '../../../in-flight.ts'
import type { Metrics } from '../../../telemetry/slab.ts'
import { inTime, systemTimer, type Timer } from '../../../timer.ts'
import { type CachedPrice, MAX_VERSION, type PriceColumns } from '../../cached-price.ts'
import type { PairTable } from '../../names/pair-table.ts'
import type { Deletion, L2, L2Load, L2State, L2Usage, L2Write, OnNewer, WritePace } from '../l2.ts'
import { decodeValue } from '../value.ts'
import { deleteCalls, KEYS_A_CALL, type VersionedCall, writeCalls } from './batch.ts'
import { RedisCluster } from './cluster.ts'
import { PairKeys } from './keys.ts'
import { type Operation, versionedReply } from './library.ts'
import { OldKeys } from './old-keys.ts'
import { RedisServer, type RedisServers } from './server.ts'

export interface RedisL2Options {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` for TLS; a list of them names a cluster. */
  readonly url: string | readonly string[]
  readonly table: PairTable
  readonly clock: Clock
  /** Returns 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  /** How long a value stays, ±10 %. */
  readonly ttlMs: number
  /** How long a deletion is remembered; as long as a value unless given. */
  readonly tombstoneTtlMs?: number
  readonly onNewer?: OnNewer
  /** Part of all keys, and of the connection's name in Redis's CLIENT LIST; `default` unless given. */
  readonly service?: string
  /** A command that takes longer is given up, and has no effect afterwards; 250 unless given. */
  readonly commandTimeoutMs?: number
  /** Called on every new connection and when a replica took over: the values in Redis may now be older, or gone. */
  readonly onConnected?: () => void
  readonly metrics?: Metrics
  readonly timer?: Timer
}

const COMMAND_TIMEOUT_MS = 250
/** Keys in one MGET. It is cheap inside Redis, and one command is cheaper for the client than several. */
const KEYS_A_LOAD = 512
/** For writes of a few rows. */
const WITHOUT_REST: WritePace = { rowsATrip: 2_048, rest: async () => undefined }

/** The reply to an MGET; `undefined` for what could not be told, as a whole or in part. */
type Values = readonly (Buffer | null | undefined)[] | undefined

/** Takes the place of a row, and the lowest version that is still accepted for its pair. */
type Tell = (row: number, floor: number) => void

/** A load in flight. Whoever asks for one of its pairs meanwhile waits for it. */
interface Flight {
  readonly rows: Map<number, CachedPrice>
  /** Pairs that were deleted after it was sent: the values that it brings for them no longer exist. */
  readonly deleted: Set<number>
  /** Pairs that could not be asked for. */
  readonly unknown: Set<number>
  /** Resolves to the reason if there are such pairs. */
  readonly done: Promise<string | undefined>
}

export function createRedisL2(options: RedisL2Options): L2 {
  return new RedisL2(options)
}

/** The second level in Redis 6.2 or newer. Connections are made and kept in the background (link.ts). */
class RedisL2 implements L2 {
  readonly #options: RedisL2Options
  readonly #keys: PairKeys
  readonly #servers: RedisServers
  readonly #flights = new Map<number, Flight>()
  readonly #inFlight = new InFlight()
  #usage: L2Usage | undefined
  #closed: { readonly sinceMs: number } | undefined

  constructor(options: RedisL2Options) {
    const { clock, random, commandTimeoutMs = COMMAND_TIMEOUT_MS, timer = systemTimer } = options
    const { service = DEFAULT_SERVICE, ttlMs, metrics } = options
    this.#options = options
    this.#keys = new PairKeys(options.table, service)
    const server = {
      connectionName: `forewarm.${service}`,
      service,
      oldKeys: new OldKeys({ service, ttlMs, clock, metrics }),
      commandTimeoutMs,
      clock,
      timer,
      random,
      onReady: () => options.onConnected?.(),
    }
    const { url } = options
    this.#servers =
      typeof url === 'string'
        ? new RedisServer({ ...server, url, inCluster: false })
        : new RedisCluster({ ...server, urls: url })
  }

  async start(): Promise<void> {
    if (this.#closed !== undefined) return
    const { timer, commandTimeoutMs: delayMs = COMMAND_TIMEOUT_MS } = this.#options
    await inTime(this.#servers.open(), undefined, { delayMs, timer })
  }

  async load(pairIds: readonly number[]): Promise<L2Load> {
    if (this.#closed !== undefined) return this.#unavailable('load', 'closed')
    const flights = this.#board(pairIds)
    let reason: string | undefined
    for (const flight of new Set(flights)) reason = (await flight.done) ?? reason
    const rows = pairIds.map((pairId, index) => rowOf(pairId, flights[index]))
    const unknown = new Set<number>()
    for (const [at, pairId] of pairIds.entries()) if (flights[at]?.unknown.has(pairId)) unknown.add(at)
    if (reason === undefined || unknown.size === 0) return { status: 'loaded', rows }
    const unavailable = this.#unavailable('load', reason)
    return unknown.size === pairIds.length ? unavailable : { status: 'loaded', rows, unknown }
  }

  async write(columns: PriceColumns, from: number, to: number, pace = WITHOUT_REST): Promise<L2Write> {
    const { ttlMs, tombstoneTtlMs = ttlMs, random } = this.#options
    const how = { keys: this.#keys, ttl: { ttlMs, tombstoneTtlMs, random } }
    const tell: Tell = (row, floor) => this.#options.onNewer?.(columns.pairIds[row] as number, floor)
    const { mixesChains } = this.#servers
    const groups = this.#keys.group(columns.pairIds, { from, to, limit: KEYS_A_CALL, mixesChains })
    let written = 0
    let reason: string | undefined
    const unwritten: number[] = []
    for (let next = 0; next < groups.length; ) {
      const trip = nextTrip(groups, next, pace.rowsATrip)
      next += trip.length
      const startMs = performance.now()
      const sending = this.#send('write', () => writeCalls(columns, trip, how), tell)
      const busyMs = performance.now() - startMs
      const outcome = await sending
      if (outcome.status === 'written') written += outcome.written
      else if (outcome.unwritten === undefined) {
        // The server does not answer: nothing more is sent to it.
        if (written === 0 && unwritten.length === 0) return outcome
        for (const group of [...trip, ...groups.slice(next)]) for (const row of group) unwritten.push(row)
        return { ...outcome, unwritten, written }
      } else {
        reason ??= outcome.reason
        written += outcome.written ?? 0
        unwritten.push(...outcome.unwritten)
      }
      if (next < groups.length) await pace.rest(busyMs)
    }
    if (reason !== undefined) return { status: 'unavailable', reason, unwritten, written }
    return { status: 'written', written, older: to - from - written }
  }

  async delete(deletions: readonly Deletion[]): Promise<L2Write> {
    const { ttlMs, tombstoneTtlMs = ttlMs } = this.#options
    const pairIds = deletions.map(({ pairId }) => pairId)
    for (const pairId of pairIds) this.#flights.get(pairId)?.deleted.add(pairId)
    const { mixesChains } = this.#servers
    const groups = this.#keys.group(pairIds, { from: 0, to: pairIds.length, limit: KEYS_A_CALL, mixesChains })
    const how = { keys: this.#keys, ttlMs: tombstoneTtlMs }
    let older = 0
    const tell: Tell = (at, floor) => {
      const { pairId, upTo = MAX_VERSION } = deletions[at] as Deletion
      if (floor > upTo) older++
      this.#options.onNewer?.(pairId, floor)
    }
    const outcome = await this.#send('delete', () => deleteCalls(deletions, groups, how), tell)
    return outcome.status === 'written' ? { ...outcome, older } : outcome
  }

  state(): L2State {
    if (this.#closed !== undefined) return { status: 'degraded', reason: 'closed', sinceMs: this.#closed.sinceMs }
    const { trouble } = this.#servers
    return trouble === undefined ? { status: 'up' } : { status: 'degraded', ...trouble }
  }

  forgetChain(chainId: number): void {
    this.#keys.forgetChain(chainId)
  }

  get usage(): L2Usage | undefined {
    return this.#usage
  }

  measure(): void {
    if (this.#closed !== undefined) return
    void this.#inFlight.add(this.#servers.look())
    void this.#inFlight.add(this.#servers.usage()).then((usage) => {
      this.#usage = usage ?? this.#usage
    })
  }

  async close(): Promise<void> {
    if (this.#closed !== undefined) return
    this.#closed = { sinceMs: this.#options.clock.now() }
    // This takes no longer than the time-out of the last command.
    await this.#inFlight.settled()
    this.#servers.close()
  }

  /** The flight of each pair: one that has left already, or the one that starts here. */
  #board(pairIds: readonly number[]): readonly Flight[] {
    const own: number[] = []
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const started: Flight = { rows: new Map(), deleted: new Set(), unknown: new Set(), done: promise }
    const flights = pairIds.map((pairId) => {
      const known = this.#flights.get(pairId)
      if (known !== undefined) return known
      this.#flights.set(pairId, started)
      own.push(pairId)
      return started
    })
    if (own.length > 0) void this.#inFlight.add(this.#fly(own, started).then(resolve))
    return flights
  }

  /** Resolves whatever happens, so that nobody waits for ever, or boards a flight that has ended. */
  async #fly(pairIds: readonly number[], flight: Flight): Promise<string | undefined> {
    try {
      return await this.#fetch(pairIds, flight)
    } catch (fault) {
      for (const pairId of pairIds) flight.unknown.add(pairId)
      return String(fault)
    } finally {
      for (const pairId of pairIds) this.#flights.delete(pairId)
    }
  }

  async #fetch(pairIds: readonly number[], { rows, unknown }: Flight): Promise<string | undefined> {
    const { mixesChains } = this.#servers
    const groups = this.#keys.group(pairIds, { from: 0, to: pairIds.length, limit: KEYS_A_LOAD, mixesChains })
    const keys = groups.map((group) => group.map((at) => this.#keys.keyOf(pairIds[at] as number)))
    const replies = await this.#servers.load(keys)
    for (const [index, group] of groups.entries()) {
      const values = (replies.ok ? replies.values[index] : replies.served?.get(index)) as Values
      for (const [place, at] of group.entries()) {
        const pairId = pairIds[at] as number
        const value = values?.[place]
        if (value === undefined) unknown.add(pairId)
        else this.#take(pairId, value, rows)
      }
    }
    return replies.ok ? undefined : replies.reason
  }

  #take(pairId: number, value: Buffer | null, into: Map<number, CachedPrice>): void {
    if (value === null) return
    const decoded = decodeValue(value)
    if (decoded.ok && decoded.price !== undefined) into.set(pairId, decoded.price)
    else if (decoded.ok) this.#options.onNewer?.(pairId, decoded.version + 1, true)
    else this.#options.metrics?.counter('l2_undecodable_total', { reason: decoded.reason }).add(1)
  }

  async #send(operation: Operation, encode: () => readonly VersionedCall[], tell: Tell): Promise<L2Write> {
    if (this.#closed !== undefined) return this.#unavailable(operation, 'closed')
    const calls = encode()
    if (calls.length === 0) return { status: 'written', written: 0, older: 0 }
    const replies = await this.#inFlight.add(this.#servers.send(operation, calls))
    let written = 0
    for (const [at, { rows }] of calls.entries()) {
      const { count, newer } = versionedReply(replies.ok ? replies.values[at] : replies.served?.get(at))
      written += count
      for (const { place, floor } of newer) tell(rows[place] as number, floor)
    }
    if (!replies.ok) {
      const { served } = replies
      const unavailable = this.#unavailable(operation, replies.reason)
      if (served === undefined) return unavailable
      return { ...unavailable, written, unwritten: calls.flatMap(({ rows }, at) => (served.has(at) ? [] : rows)) }
    }
    return { status: 'written', written, older: 0 }
  }

  #unavailable(operation: Operation | 'load', reason: string): { status: 'unavailable'; reason: string } {
    // The first word of a Redis error is its kind. The rest may hold keys and addresses, and is no label.
    const kind = /^[A-Za-z]+(?: connected)?/.exec(reason)?.[0].toLowerCase().replace(' ', '-') ?? 'error'
    this.#options.metrics?.counter('l2_unavailable_total', { operation, reason: kind }).add(1)
    return { status: 'unavailable', reason }
  }
}

function rowOf(pairId: number, flight: Flight | undefined): CachedPrice | undefined {
  return flight?.deleted.has(pairId) ? undefined : flight?.rows.get(pairId)
}

/** The groups from `first` on that have so many rows at most together, and at least one group. */
function nextTrip(groups: readonly (readonly number[])[], first: number, mostRows: number): (readonly number[])[] {
  let end = first
  for (let rows = 0; end < groups.length; end++) {
    rows += groups[end]?.length ?? 0
    if (end > first && rows > mostRows) break
  }
  return groups.slice(first, end)
}
