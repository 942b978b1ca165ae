import { checkedAhead } from '../schemas/event-time.ts'
import type { NamedPair } from '../schemas/price-object.ts'
import type { Refused } from '../schemas/refusal.ts'
import { noRoom, updateAt } from '../schemas/update-columns.ts'
import type { Batch, BatchContext } from '../src/broker/port.ts'
import { hasPair, VERSIONS_PER_MS } from '../src/cache/cached-price.ts'
import type { Arrivals } from '../src/cache/freshness/arrivals.ts'
import type { FirstLevel } from '../src/cache/l1/first-level.ts'
import type { WriteBehind } from '../src/cache/l2/write-behind.ts'
import type { PairTable } from '../src/cache/names/pair-table.ts'
import type { PriceWriter } from '../src/cache/price-writer.ts'
import type { Sources } from '../src/cache/sources/sources.ts'
import type { Clock } from '../src/clock.ts'
import type { Tracker } from '../src/correlation/tracker.ts'
import type { ReplayTurn } from '../src/detect/replay-turn.ts'
import type { DetectorRunner } from '../src/detect/runner.ts'
import type { Formats } from '../src/formats/formats.ts'
import { InFlight } from '../src/in-flight.ts'
import { LaneWarming, type LaneWarmingOptions } from './lane-warming.ts'
import type { DeadLetters, RecordHandler } from './loop.ts'
import { stayMember } from './membership.ts'
import type { SharedByLanes } from './price-counts.ts'
import { PriceWindow, REFUSED, type RecordNotes, TOMBSTONE } from './price-window.ts'

/** The parts that an update passes. */
export interface PriceLaneOptions extends LaneWarmingOptions {
  readonly table: PairTable
  readonly l1: FirstLevel
  readonly writer: PriceWriter
  readonly writeBehind: WriteBehind
  readonly tracker: Tracker
  readonly runner: DetectorRunner
  readonly clock: Clock
  /** In a replay: the records' timestamps move the clock, and each record waits for the handlers of the one before. */
  readonly replay?: ReplayTurn | undefined
  readonly deadLetters: DeadLetters
  /** Called once for a topic whose updates have numbers of more digits than a double holds. */
  readonly onRounded: (topic: string) => void
  /** How the records of each topic are read. */
  readonly formats?: Formats | undefined
  readonly sources: Sources
  readonly arrivals: Pick<Arrivals, 'arrived' | 'scatteredTopic'>
}

/** The least time between two heartbeats, since thousands of handlers may settle in between. */
const BEAT_EVERY_MS = 100
/** The most dead letters and handlers in flight. The next dead letter waits until all of them have settled. */
const MAX_UNDER_WAY = 2_000

/** One partition's way through the node. Records are decoded a window ahead of their handling, so that the look-ahead can see them. */
export class PriceLane implements RecordHandler {
  readonly #options: PriceLaneOptions
  readonly #shared: SharedByLanes
  readonly #warming: LaneWarming
  readonly #window: PriceWindow
  /** Handlers and dead letters in flight. */
  readonly #underWay = new InFlight()
  readonly #replay: ReplayTurn | undefined
  /** The clock's time, read once a window; in a replay once a record. */
  #nowMs = 0
  #context: BatchContext | undefined
  /** The record in hand, by its index. */
  #record = 0
  #beatMs = 0
  /** The offset after the last record that this lane handled. */
  #handledTo = -1n
  /** This lane has handled the record before, but its offset may not have been committed. */
  #isRedelivered = false
  /** The fault of a record in mid-window. It is thrown when the records before it are handled. */
  #fault: { readonly offset: bigint; readonly error: unknown } | undefined
  /** The partition's number among Sources, the source that its values have, and the epoch in which that was found. */
  readonly #partition: number
  #source = -1
  #epoch = -1
  /** Whether a detector wants the updates of a chain on this topic, by chain id. */
  readonly #wanted: (boolean | undefined)[] = []

  constructor(options: PriceLaneOptions, shared: SharedByLanes, topic: string, partition: number) {
    this.#options = options
    this.#shared = shared
    this.#warming = new LaneWarming(options)
    this.#window = new PriceWindow(options.table, options.formats?.of(topic))
    this.#replay = options.replay
    this.#partition = partition
  }

  async handle(batch: Batch, from: number, context: BatchContext): Promise<number> {
    this.#throwFault(batch.offset(from))
    let end = this.#window.decode(batch, from)
    if (end === from) end = await this.#window.decodeHeld(batch, from, context.signal)
    if (end === from) return from
    this.#warming.restart()
    // Producers spread records without keys over all partitions.
    if (this.#window.isKeyless(batch, end)) this.#options.arrivals.scatteredTopic(this.#partition)
    this.#shared.lastRecordMs.set(batch.topic, batch.timestampMs(end - 1))
    this.#nowMs = this.#options.clock.now()
    this.#context = context
    const mayRepeat = batch.offset(from) < this.#handledTo
    let record = from
    try {
      for (; record < end && !context.signal.aborted; record++) {
        // Another lane may have taken the turn before this one goes on.
        while (this.#replay?.isTaken === true) await this.#replay.free()
        this.#isRedelivered = mayRepeat && batch.offset(record) < this.#handledTo
        const wait = this.#handleRecord(batch, record)
        if (wait === undefined) continue
        await this.#membered(this.#replay?.take(wait) ?? wait)
        this.#beat()
      }
    } catch (error) {
      if (record === from) throw error
      // The record must not be handled again: the updates of its frame before the one at fault have been handled.
      this.#fault = { offset: batch.offset(record), error }
    }
    this.#handled(batch, record)
    this.#window.clear()
    return record
  }

  /** Whether an update of the pair is decoded and not handled yet. */
  holds(pairId: number): boolean {
    return hasPair(this.#window.columns, pairId)
  }

  forgetChain(chainId: number): void {
    delete this.#wanted[chainId]
  }

  #throwFault(offset: bigint): void {
    const fault = this.#fault
    this.#fault = undefined
    if (fault?.offset === offset) throw fault.error
  }

  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await this.#membered(this.#underWay.settled())
  }

  #handled(batch: Batch, end: number): void {
    if (end === 0) return
    const next = batch.offset(end - 1) + 1n
    if (next > this.#handledTo) this.#handledTo = next
  }

  #handleRecord(batch: Batch, record: number): Promise<void> | undefined {
    this.#record = record
    if (this.#replay !== undefined) {
      this.#replay.begin(batch.timestampMs(record))
      this.#nowMs = this.#options.clock.now()
    }
    const firstRow = this.#window.firstRow(record)
    if (firstRow === TOMBSTONE) return this.#delist(batch, record)
    if (firstRow === REFUSED) return this.#refuse(batch, record, this.#window.refusal(record))
    const endRow = this.#window.endRow(record)
    const newestMs = this.#window.newestMs(record)
    const against = checkedAhead(newestMs, this.#nowMs)
    if (against !== undefined) return this.#refuse(batch, record, against)
    if (this.#replay !== undefined && firstRow < endRow) this.#replay.newestMs = newestMs
    this.#count(batch.topic, this.#window.notes(record))
    return this.#handleRows(batch, firstRow, endRow)
  }

  /** What a dead letter or the first delivery has counted is not counted again. */
  #count(topic: string, notes: RecordNotes | undefined): void {
    if (notes !== undefined && !this.#isRedelivered) this.#shared.count(topic, notes)
  }

  /** Undefined when all rows were handled synchronously, which is the rule: a promise costs more than handling an update. */
  #handleRows(batch: Batch, from: number, end: number): Promise<void> | undefined {
    for (let row = from; row < end; row++) {
      const ahead = this.#warming.before(row, this.#window.columns)
      // The look-ahead has just looked at this row, so it is handled without another look.
      if (ahead !== undefined) return this.#handleRowsAfter(ahead, batch, { row, end })
      const wait = this.#handleRow(batch, row)
      if (wait !== undefined) return this.#handleRowsAfter(wait, batch, { row: row + 1, end })
    }
    return undefined
  }

  async #handleRowsAfter(
    wait: Promise<unknown>,
    batch: Batch,
    rows: { row: number; readonly end: number },
  ): Promise<void> {
    await wait
    for (; rows.row < rows.end; rows.row++) {
      this.#beat()
      await this.#warming.before(rows.row, this.#window.columns)
      await this.#handleRow(batch, rows.row)
    }
  }

  #handleRow(batch: Batch, row: number): Promise<void> | undefined {
    const { tracker, writeBehind, runner, table } = this.#options
    const { columns } = this.#window
    const pairId = columns.pairIds[row] as number
    const eventTimeMs = columns.eventTimesMs[row] as number
    if (this.#shared.sequences.isBack(pairId, columns.sequences[row] as number)) this.#shared.counts.sequenceBack.add(1)
    if (!this.#write(pairId, eventTimeMs, row)) return undefined
    const group = columns.groups[row]
    if (group !== undefined) table.setGroup(pairId, group)
    const chainId = table.chainOf(pairId)
    if (row === 0) this.#observeTimed(pairId, eventTimeMs, chainId)
    else tracker.observe(pairId, eventTimeMs, chainId)
    this.#shared.counts.updates.at(chainId).add(1)
    this.#warming.ask(pairId, eventTimeMs)
    let wait: Promise<void> | undefined
    if (this.#isWanted(batch.topic, chainId)) {
      const names = { pair: table.pairName(pairId), chain: table.chainName(chainId) }
      const origin = { topic: batch.topic, partition: batch.partition, offset: batch.offset(this.#record) }
      const underWay = runner.handle(origin, pairId, updateAt(columns, row, names))
      if (this.#replay === undefined) this.#await(underWay)
      else wait = underWay
    }
    wait ??= runner.room()
    if (!writeBehind.full) return wait
    return wait === undefined ? writeBehind.drain() : wait.then(() => writeBehind.drain())
  }

  #isWanted(topic: string, chainId: number): boolean {
    this.#wanted[chainId] ??= this.#options.runner.wants(topic, this.#options.table.chainName(chainId))
    return this.#wanted[chainId]
  }

  /** Returns false, and counts it, if the update is not newer than what the pair has had. */
  #write(pairId: number, eventTimeMs: number, row: number): boolean {
    const { counts } = this.#shared
    // The first delivery has taken this update's place within its millisecond. Another place would make it newer than it is.
    if (this.#isRedelivered && this.#options.l1.floor(pairId) >= eventTimeMs * VERSIONS_PER_MS) {
      counts.redelivered.add(1)
      return false
    }
    const { writer, sources } = this.#options
    // Sources may have been merged since the update before, also by it.
    if (sources.epoch !== this.#epoch) this.#source = sources.resolve(this.#partition)
    this.#epoch = sources.epoch
    const outcome = writer.writeRow(this.#window.columns, row, this.#source)
    if (outcome === 'older') counts.older.add(1)
    else if (outcome === 'too-many-in-ms') counts.tooManyInMs.add(1)
    return outcome === 'stored'
  }

  /** Times one update of each window, because reading the clock costs more than observing an update. */
  #observeTimed(pairId: number, eventTimeMs: number, chainId: number): void {
    const startMs = performance.now()
    this.#options.tracker.observe(pairId, eventTimeMs, chainId)
    this.#shared.trackingUs.record((performance.now() - startMs) * 1000)
    this.#shared.endToEndSeconds.record((this.#options.clock.now() - eventTimeMs) / 1000)
  }

  #await(underWay: Promise<void> | undefined): void {
    if (underWay !== undefined) void this.#underWay.add(underWay).then(() => this.#beat())
  }

  /** Waits. A wait for outputs has no limit, unlike those for handlers. */
  #membered<T>(wait: Promise<T>): Promise<T> {
    return stayMember({ wait, outputs: this.#options.runner, beat: () => this.#beat() })
  }

  /** Sends a heartbeat: handlers, loads and writes that settle one by one are progress, so the membership must be kept. */
  #beat(): void {
    const nowMs = performance.now()
    if (nowMs - this.#beatMs < BEAT_EVERY_MS) return
    this.#beatMs = nowMs
    void this.#context?.heartbeat()
  }

  /** Handles a record that delists pairs: one with a key and no value, or a foreign one that says so. */
  #delist(batch: Batch, record: number): Promise<void> | undefined {
    const notes = this.#window.notes(record)
    if (notes !== undefined && !this.#isRedelivered) this.#shared.count(batch.topic, notes)
    const waits = notes?.deleted.map((named) => this.#delistPair(batch, record, named))
    return waits === undefined || waits.every((wait) => wait === undefined)
      ? undefined
      : Promise.all(waits).then(() => undefined)
  }

  #delistPair(batch: Batch, record: number, { chain, pair }: NamedPair): Promise<void> | undefined {
    // A later record may have listed the pair again, and would be skipped as redelivered.
    if (this.#isRedelivered) {
      this.#shared.counts.redelivered.add(1)
      return undefined
    }
    // An unknown pair is registered as well: L2 may hold its price from before this process began.
    const pairId = this.#options.table.register(chain, pair)
    if (pairId < 0) return this.#refuse(batch, record, noRoom(pairId, `${chain} ${pair}`))
    this.#shared.counts.delisted.add(1)
    // The log says what the deletion comes after. If nothing of the pair was seen, its time must do.
    const eventTimeMs = this.#options.l1.floor(pairId) > 0 ? 0 : Math.min(batch.timestampMs(record), this.#nowMs)
    return this.#options.writer.delist(pairId, eventTimeMs).then(() => undefined)
  }

  #refuse(batch: Batch, index: number, { reason, detail }: Refused): Promise<void> | undefined {
    this.#await(this.#options.deadLetters({ batch, index, reason, detail }))
    return this.#underWay.size < MAX_UNDER_WAY ? undefined : this.settle()
  }
}
