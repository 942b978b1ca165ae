import { checkedName } from '../schemas/price-object.ts'
import { NUMBER_COUNT } from '../schemas/price-update.ts'
import { type Refused, refused } from '../schemas/refusal.ts'
import { chainOfKey, KEY_SEPARATOR } from '../schemas/topics.ts'
import { updateAt } from '../schemas/update-columns.ts'
import type { Batch, BatchContext } from '../src/broker/port.ts'
import type { FirstLevel } from '../src/cache/l1/first-level.ts'
import type { L2 } from '../src/cache/l2/l2.ts'
import type { WriteBehind } from '../src/cache/l2/write-behind.ts'
import type { PairTable } from '../src/cache/names/pair-table.ts'
import { VERSIONS_PER_MS } from '../src/cache/price-record.ts'
import { PriceWriter } from '../src/cache/price-writer.ts'
import { type Clock, isVirtual, type VirtualClock } from '../src/clock.ts'
import type { Tracker } from '../src/correlation/tracker.ts'
import type { DetectorRunner } from '../src/detect/runner.ts'
import type { Histogram } from '../src/telemetry/slab.ts'
import { LaneWarming, type LaneWarmingOptions } from './lane-warming.ts'
import type { DeadLetters, RecordHandler } from './loop.ts'
import type { PriceCounts } from './price-counts.ts'
import { PriceWindow, REFUSED, TOMBSTONE } from './price-window.ts'
import type { Sequences } from './sequences.ts'

/** What an update passes on its way. */
export interface PriceLaneOptions extends LaneWarmingOptions {
  readonly table: PairTable
  readonly l1: FirstLevel
  readonly l2: L2
  readonly writeBehind: WriteBehind
  readonly tracker: Tracker
  readonly runner: DetectorRunner
  readonly clock: Clock
  readonly deadLetters: DeadLetters
}

/** A pair's event time may be so far ahead of the clock; further, and one bad record would freeze the pair. */
const MAX_AHEAD_MS = 60_000
/** Handlers may settle by the thousand in between. */
const BEAT_EVERY_MS = 100
/** Dead letters (and handlers, which have a bound of their own) beyond which the next one waits for all of them. */
const MAX_UNDER_WAY = 2_000

/** What the lanes of a node share. */
export interface SharedByLanes {
  readonly counts: PriceCounts
  readonly trackingUs: Histogram
  readonly endToEndSeconds: Histogram
  readonly sequences: Sequences
  /** By topic, looked at once a window. */
  readonly lastRecordMs: Map<string, number>
}

/** One partition's way through the node. Records are decoded a window ahead of their handling, which is where the look-ahead looks. */
export class PriceLane implements RecordHandler {
  readonly #options: PriceLaneOptions
  readonly #shared: SharedByLanes
  readonly #writer: PriceWriter
  readonly #warming: LaneWarming
  readonly #window: PriceWindow
  /** Handlers and dead letters under way. */
  readonly #underWay = new Set<Promise<void>>()
  /** In a replay, time is what the records say. */
  readonly #replayClock: VirtualClock | undefined
  /** The clock, looked at once a window; a replay's once a record. */
  #nowMs = 0
  #context: BatchContext | undefined
  #beatMs = 0
  /** The offset after the last record that was handled here. */
  #handledTo = -1n
  /** The record in hand was handled here before: what was done with it may not have been committed. */
  #isRedelivered = false
  /** Of a record within a window: handed on when the records before it are handled. */
  #fault: { readonly offset: bigint; readonly error: unknown } | undefined
  /** By chain: whether a detector looks at its updates on this topic. */
  readonly #wanted: (boolean | undefined)[] = []

  constructor(options: PriceLaneOptions, shared: SharedByLanes) {
    this.#options = options
    this.#shared = shared
    this.#writer = new PriceWriter(options)
    this.#warming = new LaneWarming(options)
    this.#window = new PriceWindow(options.table)
    this.#replayClock = isVirtual(options.clock) ? options.clock : undefined
  }

  async handle(batch: Batch, from: number, context: BatchContext): Promise<number> {
    this.#throwFault(batch.offset(from))
    const end = this.#window.decode(batch, from)
    this.#warming.restart()
    this.#shared.lastRecordMs.set(batch.topic, batch.timestampMs(end - 1))
    this.#nowMs = this.#options.clock.now()
    this.#context = context
    const mayRepeat = batch.offset(from) < this.#handledTo
    let record = from
    try {
      for (; record < end && !context.signal.aborted; record++) {
        this.#isRedelivered = mayRepeat && batch.offset(record) < this.#handledTo
        const wait = this.#handleRecord(batch, record)
        if (wait === undefined) continue
        await wait
        this.#beat()
      }
    } catch (error) {
      if (record === from) throw error
      // Not to be handled again: updates of a frame before the one at fault have been.
      this.#fault = { offset: batch.offset(record), error }
    }
    this.#handled(batch, record)
    return record
  }

  #throwFault(offset: bigint): void {
    const fault = this.#fault
    this.#fault = undefined
    if (fault?.offset === offset) throw fault.error
  }

  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  #handled(batch: Batch, end: number): void {
    if (end === 0) return
    const next = batch.offset(end - 1) + 1n
    if (next > this.#handledTo) this.#handledTo = next
  }

  #handleRecord(batch: Batch, record: number): Promise<void> | undefined {
    if (this.#replayClock !== undefined) {
      this.#replayClock.advanceTo(batch.timestampMs(record))
      this.#nowMs = this.#replayClock.now()
    }
    const firstRow = this.#window.firstRow(record)
    if (firstRow === TOMBSTONE) return this.#delist(batch, record)
    if (firstRow === REFUSED) return this.#refuse(batch, record, this.#window.refusal(record))
    const endRow = this.#window.endRow(record)
    for (let row = firstRow; row < endRow; row++) {
      const eventTimeMs = this.#window.columns.eventTimesMs[row] as number
      if (eventTimeMs > this.#nowMs + MAX_AHEAD_MS)
        return this.#refuse(
          batch,
          record,
          refused('event-time-future', `eventTimeMs ${eventTimeMs} is more than ${MAX_AHEAD_MS} ms ahead of the clock`),
        )
    }
    return this.#handleRows(batch.topic, firstRow, endRow)
  }

  /** Undefined when all rows were handled within this step, which is the rule: a promise an update would cost more than the update. */
  #handleRows(topic: string, from: number, end: number): Promise<void> | undefined {
    for (let row = from; row < end; row++) {
      const ahead = this.#warming.before(row, this.#window.columns)
      // The window that was just looked at holds this row, so it is not looked at again.
      if (ahead !== undefined) return this.#handleRowsAfter(ahead, topic, { row, end })
      const wait = this.#handleRow(topic, row)
      if (wait !== undefined) return this.#handleRowsAfter(wait, topic, { row: row + 1, end })
    }
    return undefined
  }

  async #handleRowsAfter(
    wait: Promise<unknown>,
    topic: string,
    rows: { row: number; readonly end: number },
  ): Promise<void> {
    await wait
    for (; rows.row < rows.end; rows.row++) {
      this.#beat()
      await this.#warming.before(rows.row, this.#window.columns)
      await this.#handleRow(topic, rows.row)
    }
  }

  #handleRow(topic: string, row: number): Promise<void> | undefined {
    const { tracker, writeBehind, runner, table } = this.#options
    const { columns } = this.#window
    const pairId = columns.pairIds[row] as number
    const eventTimeMs = columns.eventTimesMs[row] as number
    if (this.#shared.sequences.isBack(pairId, columns.sequences[row] as number)) this.#shared.counts.sequenceBack.add(1)
    if (!this.#isWritten(pairId, eventTimeMs, row)) return undefined
    const group = columns.groups[row]
    if (group !== undefined) table.setGroup(pairId, group)
    const chainId = table.chainOf(pairId)
    if (row === 0) this.#observeTimed(pairId, eventTimeMs, chainId)
    else tracker.observe(pairId, eventTimeMs, chainId)
    this.#shared.counts.updates.at(chainId).add(1)
    this.#warming.ask(pairId, eventTimeMs)
    if (this.#isWanted(topic, chainId)) {
      const names = { pair: table.pairName(pairId), chain: table.chainName(chainId) }
      this.#await(runner.handle(topic, pairId, updateAt(columns, row, names)))
    }
    const wait = runner.room()
    if (!writeBehind.full) return wait
    return wait === undefined ? writeBehind.drain() : wait.then(() => writeBehind.drain())
  }

  #isWanted(topic: string, chainId: number): boolean {
    const { runner, table } = this.#options
    this.#wanted[chainId] ??= runner.wants(topic, table.chainName(chainId))
    return this.#wanted[chainId]
  }

  /** False, and counted, where the update is not newer than what the pair has had. */
  #isWritten(pairId: number, eventTimeMs: number, row: number): boolean {
    const { counts } = this.#shared
    // Its place among the updates of its millisecond is taken: the next free one would make it newer than it is.
    if (this.#isRedelivered && this.#options.l1.floor(pairId) >= eventTimeMs * VERSIONS_PER_MS) {
      counts.redelivered.add(1)
      return false
    }
    const outcome = this.#writer.write(pairId, eventTimeMs, this.#window.columns.numbers, row * NUMBER_COUNT)
    if (outcome === 'older') counts.older.add(1)
    else if (outcome === 'too-many-in-ms') counts.tooManyInMs.add(1)
    return outcome === 'stored'
  }

  /** One update of each window: looking at the clock costs more than observing. */
  #observeTimed(pairId: number, eventTimeMs: number, chainId: number): void {
    const startMs = performance.now()
    this.#options.tracker.observe(pairId, eventTimeMs, chainId)
    this.#shared.trackingUs.record((performance.now() - startMs) * 1000)
    this.#shared.endToEndSeconds.record((this.#options.clock.now() - eventTimeMs) / 1000)
  }

  #await(underWay: Promise<void> | undefined): void {
    if (underWay === undefined) return
    this.#underWay.add(underWay)
    void underWay.then(() => {
      this.#underWay.delete(underWay)
      this.#beat()
    })
  }

  /** Slow handlers, loads and writes that end, or run out of time, one by one are progress: the membership is to be kept. */
  #beat(): void {
    const nowMs = performance.now()
    if (nowMs - this.#beatMs < BEAT_EVERY_MS) return
    this.#beatMs = nowMs
    void this.#context?.heartbeat()
  }

  /** A key and no value: the pair is delisted. */
  #delist(batch: Batch, record: number): Promise<void> | undefined {
    const { table } = this.#options
    const key = batch.key(record)?.toString('utf8') ?? ''
    const chain = chainOfKey(key)
    const pair = key.slice(chain.length + KEY_SEPARATOR.length)
    const against =
      chain === '' || pair === ''
        ? refused('bad-key', 'a tombstone needs the key chain NUL pair')
        : (checkedName(chain, 'chain') ?? checkedName(pair, 'pair'))
    if (against !== undefined) return this.#refuse(batch, record, against)
    // The pair may have been listed again since, by a record that came again as well and has nothing new.
    if (this.#isRedelivered) {
      this.#shared.counts.redelivered.add(1)
      return undefined
    }
    // Also of a pair that nobody here knows yet: its price may be in L2 since before this process began.
    const pairId = table.register(chain, pair)
    if (pairId < 0) return this.#refuse(batch, record, refused('too-many-pairs', 'all MAX_PAIRS are taken'))
    this.#shared.counts.delisted.add(1)
    return this.#writer.delist(pairId).then((outcome) => {
      if (outcome === 'unavailable') this.#shared.counts.notDeleted.add(1)
    })
  }

  #refuse(batch: Batch, index: number, { reason, detail }: Refused): Promise<void> | undefined {
    this.#await(this.#options.deadLetters({ batch, index, reason, detail }))
    return this.#underWay.size < MAX_UNDER_WAY ? undefined : this.settle()
  }
}
