import { DEFAULT_SERVICE } from '../../../../schemas/topics.ts'
import { InFlight } from '../../../in-flight.ts'
import type { Metrics } from '../../../telemetry/slab.ts'
import { inTime, systemTimer, type Timer } from '../../../timer.ts'
import { MAX_VERSION, type PriceColumns } from '../../cached-price.ts'
import type { PairTable } from '../../names/pair-table.ts'
import { Sources, type SourcesSnapshot } from '../../sources/sources.ts'
import type { Deletion, L2, L2Load, L2Options, L2Stamp, L2State, L2Usage, L2Write, StampOf, WritePace } from '../l2.ts'
import type { Tracking } from '../tracking.ts'
import { decodeValue } from '../value.ts'
import { deleteCalls, dividedGroups, KEYS_A_CALL, nextTrip, type VersionedCall, writeCalls } from './batch.ts'
import { RedisCluster } from './cluster.ts'
import { type Flight, Flights, rowOf } from './flights.ts'
import { PairKeys } from './keys.ts'
import { type Operation, versionedReply } from './library.ts'
import { OldKeys } from './old-keys.ts'
import { RedisServer, type RedisServers } from './server.ts'
import { RedisStamps } from './stamps.ts'
import { TrackedReads, type TrackedReadsOptions } from './tracked-reads.ts'

export interface RedisL2Options extends L2Options {
  /** `redis://[user:password@]host:port[/database]`, or `rediss://` for TLS; a list of them names a cluster. */
  readonly url: string | readonly string[]
  readonly table: PairTable
  /** Called when a value that was written had another source than the one in Redis, with the codes of both. */
  readonly onMixed?: (written: number, stored: number) => void
  /** Part of all keys, and of the connection's name in Redis's CLIENT LIST; `default` unless given. */
  readonly service?: string
  /** A command that takes longer is given up, and has no effect afterwards; 250 unless given. */
  readonly commandTimeoutMs?: number
  /** Called on every new connection and when a replica took over: the values in Redis may now be older, or gone. */
  readonly onConnected?: () => void
  readonly metrics?: Metrics
  readonly timer?: Timer
  /** Milliseconds of the clock of the sources' moments; `monotonicMs` unless given. */
  readonly now?: () => number
}

const COMMAND_TIMEOUT_MS = 250
/** Keys in one MGET. It is cheap inside Redis, and one command is cheaper for the client than several. */
const KEYS_A_LOAD = 512
/** For writes of a few rows. */
const WITHOUT_REST: WritePace = { rowsATrip: 2_048, rest: async () => undefined }

/** The reply to an MGET; `undefined` for what could not be told, as a whole or in part. */
type Values = readonly (Buffer | null | undefined)[] | undefined

/** Take the place of a row. */
interface Told {
  /** The lowest version that is still accepted for its pair. */
  newer(row: number, floor: number): void
  /** The code that was stored for its pair. */
  mixed?(row: number, code: number): void
}

interface Taking extends Pick<Flight, 'rows'> {
  /** What was known when the load was sent. */
  readonly snapshot: SourcesSnapshot
}

export function createRedisL2(options: RedisL2Options): L2 {
  return new RedisL2(options)
}

/** The second level in Redis 6.2 or newer. Connections are made and kept in the background (link.ts). */
class RedisL2 implements L2 {
  readonly #options: RedisL2Options
  readonly #keys: PairKeys
  readonly #sources: Sources
  readonly #servers: RedisServers
  readonly #stamps: RedisStamps
  readonly #tracked: TrackedReadsOptions
  readonly #flights = new Flights((pairIds, flight) => this.#inFlight.add(this.#fetch(pairIds, flight)))
  readonly #inFlight = new InFlight()
  #usage: L2Usage | undefined
  #closed: { readonly sinceMs: number } | undefined

  constructor(options: RedisL2Options) {
    const { clock, random, commandTimeoutMs = COMMAND_TIMEOUT_MS, timer = systemTimer } = options
    const { service = DEFAULT_SERVICE, ttlMs, metrics, url } = options
    this.#options = options
    this.#sources = options.sources ?? new Sources()
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
    this.#servers =
      typeof url === 'string'
        ? new RedisServer({ ...server, url, inCluster: false })
        : new RedisCluster({ ...server, urls: url })
    const common = {
      servers: this.#servers,
      keys: this.#keys,
      table: options.table,
      isCluster: typeof url !== 'string',
    }
    this.#stamps = new RedisStamps({ ...common, ttlMs })
    const { kind, now } = options
    this.#tracked = { ...server, ...common, url: [url].flat()[0] ?? '', sources: this.#sources, now, kind }
  }

  async start(): Promise<void> {
    if (this.#closed !== undefined) return
    const { timer, commandTimeoutMs: delayMs } = this.#tracked
    await inTime(this.#servers.open(), undefined, { delayMs, timer })
  }

  async load(pairIds: readonly number[]): Promise<L2Load> {
    if (this.#closed !== undefined) return this.#unavailable('load', 'closed')
    const flights = this.#flights.board(pairIds)
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
    const { onNewer, onMixed } = this.#options
    const told: Told = {
      newer: (row, floor) => onNewer?.(columns.pairIds[row] as number, floor),
      mixed: (row, code) => onMixed?.(columns.sourceCodes[row] as number, code),
    }
    const { mixesChains } = this.#servers
    const chains = this.#keys.group(columns.pairIds, { from, to, limit: KEYS_A_CALL, mixesChains })
    const groups = dividedGroups(columns, chains)
    let written = 0
    let reason: string | undefined
    const unwritten: number[] = []
    for (let next = 0; next < groups.length; ) {
      const trip = nextTrip(columns, groups, { next, mostRows: pace.rowsATrip })
      next += trip.length
      const startMs = performance.now()
      const sending = this.#send('write', () => writeCalls(columns, trip, how), told)
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
    for (const pairId of pairIds) this.#flights.of(pairId)?.deleted.add(pairId)
    const { mixesChains } = this.#servers
    const groups = this.#keys.group(pairIds, { from: 0, to: pairIds.length, limit: KEYS_A_CALL, mixesChains })
    const how = { keys: this.#keys, ttlMs: tombstoneTtlMs }
    let older = 0
    const newer = (at: number, floor: number) => {
      const { pairId, upTo = MAX_VERSION } = deletions[at] as Deletion
      if (floor > upTo) older++
      this.#options.onNewer?.(pairId, floor)
    }
    const outcome = await this.#send('delete', () => deleteCalls(deletions, groups, how), { newer })
    return outcome.status === 'written' ? { ...outcome, older } : outcome
  }

  stamp(stamps: readonly StampOf[]): Promise<L2Stamp> {
    return this.#inFlight.add(this.#stamps.set(stamps))
  }

  track(): Tracking {
    return new TrackedReads(this.#tracked)
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

  async #fetch(pairIds: readonly number[], { rows, unknown }: Flight): Promise<string | undefined> {
    const { mixesChains } = this.#servers
    const groups = this.#keys.group(pairIds, { from: 0, to: pairIds.length, limit: KEYS_A_LOAD, mixesChains })
    const keys = groups.map((group) => group.map((at) => this.#keys.keyOf(pairIds[at] as number)))
    const snapshot = this.#sources.snapshot()
    const replies = await this.#servers.load(keys)
    for (const [index, group] of groups.entries()) {
      const values = (replies.ok ? replies.values[index] : replies.served?.get(index)) as Values
      for (const [place, at] of group.entries()) {
        const pairId = pairIds[at] as number
        const value = values?.[place]
        if (value === undefined) unknown.add(pairId)
        else this.#take(pairId, value, { rows, snapshot })
      }
    }
    return replies.ok ? undefined : replies.reason
  }

  #take(pairId: number, value: Buffer | null, { rows, snapshot }: Taking): void {
    if (value === null) return
    const decoded = decodeValue(value, this.#options.kind)
    if (decoded.ok && decoded.price !== undefined) {
      const source = this.#sources.ofCode(decoded.sourceCode)
      const asOfMs = this.#sources.asOfLoaded(source, snapshot)
      rows.set(pairId, { ...decoded.price, source, asOfMs, epoch: this.#sources.epoch })
    } else if (decoded.ok) this.#options.onNewer?.(pairId, decoded.version + 1, true)
    else this.#options.metrics?.counter('l2_undecodable_total', { reason: decoded.reason }).add(1)
  }

  async #send(operation: Operation, encode: () => readonly VersionedCall[], told: Told): Promise<L2Write> {
    if (this.#closed !== undefined) return this.#unavailable(operation, 'closed')
    const calls = encode()
    if (calls.length === 0) return { status: 'written', written: 0, older: 0 }
    const replies = await this.#inFlight.add(this.#servers.send(operation, calls))
    let written = 0
    for (const [at, { rows }] of calls.entries()) {
      const { count, newer, mixed } = versionedReply(replies.ok ? replies.values[at] : replies.served?.get(at))
      written += count
      for (const { place, floor } of newer) told.newer(rows[place] as number, floor)
      for (const { place, code } of mixed) told.mixed?.(rows[place] as number, code)
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
