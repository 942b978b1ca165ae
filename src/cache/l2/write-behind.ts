import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { Alarm } from '../../alarm.ts'
import { systemTimer } from '../../timer.ts'
import { type CachedPrice, emptyPrice, eventTimeOf, moveRow, setJson, setRow } from '../cached-price.ts'
import { FOLLOWS, NEVER, Sources, UNKNOWN_SOURCE } from '../sources/sources.ts'
import type { StoredJson } from '../values/stored-json.ts'
import { FlushPace } from './flush-pace.ts'
import { FlushWaits } from './flush-waits.ts'
import type { L2Write } from './l2.ts'
import { Lacking } from './lacking.ts'
import { WaitingRows } from './waiting-rows.ts'
import type { WriteBehindOptions } from './write-behind-options.ts'

/** While L2 is away, the pause between two writes, as a multiple of `flushMs`. */
const AWAY_FLUSHES = 20
/** Before values are lost: after a thread that was busy for seconds, commands and connections have run out of time. */
const CLOSE_TRIES = 5
const CLOSE_PAUSE_MS = 100
/** So much JSON may wait, but for one more value. */
const MOST_JSON_BYTES = 64 * 1024 * 1024

/**
 * Values that L2 does not have yet: the newest version of each pair that was updated since it was last written. A pair
 * has one row however often it changes. There are two sets of rows: one fills while the other is being written.
 *
 * A flush is due `flushMs` after the last one ended, or later. Sending may take about a tenth of this thread, and L2 rests
 * as long as it worked: a node that catches up with a backlog then coalesces more updates instead of slowing down.
 *
 * When every row is taken (`full`), the loop waits for the flush, and nothing is dropped. While L2 is away, the rows stay
 * and go on coalescing. Once all are taken, further pairs are counted as `skipped`: L1 has their values, and L2 gets them
 * from there when rows are free again, or gets the next ones. So it is when the JSON of the rows takes the most that it may. A caller
 * that cannot wait lets the rows `grow` instead, to one
 * for every pair, so that none is skipped.
 */
export class WriteBehind {
  readonly #options: WriteBehindOptions
  readonly #sources: Sources
  #filling: WaitingRows
  #leaving: WaitingRows
  readonly #now: () => number
  readonly #nextFlush: Alarm
  readonly #pace: FlushPace
  /** Resolves to whether L2 has taken all of it. */
  #flushing: Promise<boolean> | undefined
  readonly #waits = new FlushWaits()
  /** Pairs of which L2 lacks values, because no row was left for them. */
  readonly #lacking: Lacking
  readonly #held = emptyPrice()
  /** No value is taken any more; those that are there are still written. */
  #isClosing = false
  #closing: Promise<void> | undefined
  /** Why L2 was away at the last write: nobody should wait for the next one. */
  #away: string | undefined
  /** Values that found no row, because L2 was away until every row held another pair, or until `close`. */
  skipped = 0

  constructor(options: WriteBehindOptions) {
    this.#options = options
    this.#sources = options.sources ?? new Sources()
    this.#nextFlush = new Alarm(() => void this.#begin(), options.timer)
    this.#now = options.now ?? (() => performance.now())
    this.#lacking = new Lacking({ now: this.#now, l2TtlMs: options.l2TtlMs })
    this.#pace = new FlushPace({ now: this.#now, timer: options.timer })
    this.#filling = new WaitingRows(options.capacity, options.maxPairs)
    this.#leaving = new WaitingRows(options.capacity, options.maxPairs)
  }

  /** Rows that are not written yet. */
  get pendingEntries(): number {
    return this.#filling.columns.count + this.#leaving.columns.count
  }

  /** True when the next pair may find no row and waiting helps: the caller then awaits `drain` before it goes on. */
  get full(): boolean {
    const { count, capacity, jsonBytes } = this.#filling.columns
    return (count >= capacity || jsonBytes >= this.#mostJsonBytes) && this.#away === undefined
  }

  /** An update, its numbers at `base` in `numbers`. `source`: a number of Sources. */
  add(
    pairId: number,
    version: number,
    numbers: Float64Array,
    base: number,
    source: number = UNKNOWN_SOURCE,
    json?: StoredJson,
  ): void {
    const row = this.#rowOf(pairId, json)
    if (row < 0) {
      this.#skip(pairId, version, source)
      return
    }
    const { columns } = this.#filling
    setJson(columns, row, json)
    columns.sourceCodes[row] = this.#sources.codeOf(source)
    columns.epochs[row] = this.#sources.epoch
    columns.versions[row] = version
    columns.eventTimesMs[row] = eventTimeOf(version)
    const to = row * NUMBER_COUNT
    for (let f = 0; f < NUMBER_COUNT; f++) columns.numbers[to + f] = numbers[base + f] as number
  }

  /** A value of L1 or L3 that L2 may not have. */
  addPrice(pairId: number, price: Readonly<CachedPrice>): void {
    const row = this.#rowOf(pairId, price.json)
    if (row < 0) this.#skip(pairId, price.version, price.source)
    else setRow(this.#filling.columns, row, price, this.#sources.codeOf(price.source))
  }

  /** Fills `into` with the newest value that L2 may not have yet, and tells whether there is one. */
  pending(pairId: number, into: CachedPrice): boolean {
    const rows = this.#filling.has(pairId) ? this.#filling : this.#leaving
    if (!rows.read(pairId, into)) return false
    const row = rows.rowOf(pairId)
    const { columns } = rows
    into.source = this.#sources.ofCode(columns.sourceCodes[row] as number)
    into.asOfMs = this.#sources.hasFollowed(into.source, columns.epochs[row] as number) ? FOLLOWS : NEVER
    into.epoch = this.#sources.epoch
    return true
  }

  /** The pair is delisted: its value is not written any more. */
  forget(pairId: number): void {
    this.#filling.forget(pairId)
    this.#leaving.forget(pairId)
    this.#lacking.forget(pairId)
    this.#filling.release(pairId)
  }

  /** Whether a row of the pair waits or is being written: the answer may still concern the pair. */
  holds(pairId: number): boolean {
    return this.#filling.has(pairId) || this.#leaving.has(pairId)
  }

  /** Resolves when a row is free again, or L2 turns out to be away. */
  async drain(): Promise<void> {
    if (this.#flushing !== undefined) await this.#hurried(this.#flushing)
    if (this.full) await this.flush()
  }

  /** Waits for a flush that is in flight, then writes the rows that are there. */
  async flush(): Promise<void> {
    while (this.#flushing !== undefined) await this.#hurried(this.#flushing)
    if (this.#filling.columns.count === 0) return
    await this.#hurried(this.#begin())
  }

  /**
   * Resolves to true when L2 has everything that was there before the call, and to false if it did not take all of it.
   * `onBegin` is called, once, when the last of it begins to be written: L2 then gets what has come until that moment, too.
   */
  async settled(onBegin: () => void = () => undefined): Promise<boolean> {
    const next = this.#filling.columns.count > 0 ? this.#waits.next(onBegin) : undefined
    if (next === undefined) onBegin()
    const outcomes = await Promise.all([this.#flushing, next])
    return !outcomes.includes(false) && !this.#isClosing
  }

  /** Whether L2 lacks a value of this source that no row waits for. */
  lacks(source: number): boolean {
    return this.#lacking.has(source, this.#sources)
  }

  /** L2 has got this version of the pair, or has a newer one. */
  hasWritten(pairId: number, version: number): void {
    this.#lacking.written(pairId, version)
  }

  /** Writes the rest. If nobody waits for L2 (`grows`), it is tried again while L2 is away. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #skip(pairId: number, version: number, source: number): void {
    this.skipped++
    this.#lacking.add(pairId, version, source)
  }

  /** Pairs that found no row get one now, if L1 still has them. */
  #catchUp(): void {
    for (;;) {
      const { count, capacity, jsonBytes } = this.#filling.columns
      if (this.#isClosing || count >= capacity || jsonBytes >= this.#mostJsonBytes) return
      const pairId = this.#lacking.next()
      if (pairId === undefined) return
      if (!this.#filling.has(pairId) && this.#options.held?.(pairId, this.#held)) this.addPrice(pairId, this.#held)
    }
  }

  get #mostJsonBytes(): number {
    return this.#options.mostJsonBytes ?? MOST_JSON_BYTES
  }

  /** The pair's row in the set that fills; -1 if there is none left for it, or no room for its JSON. */
  #rowOf(pairId: number, json: StoredJson | undefined, isRefusing = this.#isClosing): number {
    const known = this.#filling.rowOf(pairId)
    const { jsons, jsonBytes } = this.#filling.columns
    const hasRoom = json === undefined || jsonBytes < this.#mostJsonBytes
    if (known >= 0) {
      if (hasRoom || json.bytes <= (jsons[known]?.bytes ?? 0)) return known
      this.#filling.forget(pairId)
      this.#filling.release(pairId)
    }
    if (!hasRoom || isRefusing) return -1
    if (this.#filling.columns.count >= this.#filling.columns.capacity) this.#grow()
    const row = this.#filling.add(pairId)
    if (row >= 0 && !this.#nextFlush.isSet && this.#flushing === undefined) this.#nextFlush.set(this.#options.flushMs)
    return row
  }

  async #close(): Promise<void> {
    const before = this.skipped
    this.#isClosing = true
    const { grows = false, timer = systemTimer } = this.#options
    // As long as L2 takes some, it gets the others.
    for (let tries = grows ? CLOSE_TRIES : 1; this.pendingEntries > 0 && tries > 0; ) {
      const left = this.pendingEntries
      await this.flush()
      if (this.pendingEntries < left) continue
      if (--tries > 0) await new Promise<void>((resolve) => void timer(CLOSE_PAUSE_MS, resolve))
    }
    this.#nextFlush.close()
    this.skipped += this.#filling.columns.count
    this.#filling.clear(this.#options.capacity)
    this.#waits.begin()?.resolve(false)
    // Values that could not be written, and those that came meanwhile.
    const lost = this.skipped - before
    if (lost > 0) this.#options.onLost?.(lost, this.#away ?? 'closed')
  }

  #grow(): void {
    const { grows = false, maxPairs } = this.#options
    const { capacity } = this.#filling.columns
    if (grows && capacity < maxPairs) this.#filling.grow(Math.min(capacity * 2, maxPairs))
  }

  #begin(): Promise<boolean> {
    this.#nextFlush.clear()
    this.#pace.begin()
    this.#flushing = this.#write()
    return this.#flushing
  }

  #hurried(flushing: Promise<boolean>): Promise<boolean> {
    this.#pace.hurry()
    return flushing
  }

  async #write(): Promise<boolean> {
    const startMs = this.#now()
    ;[this.#filling, this.#leaving] = [this.#leaving, this.#filling]
    const asked = this.#waits.begin()
    this.#leaving.dropForgotten()
    const { columns } = this.#leaving
    const entries = columns.count
    const nothing: L2Write = { status: 'written', written: 0, older: 0 }
    const writing = entries === 0 ? nothing : this.#options.l2.write(columns, 0, entries, this.#pace)
    const busyMs = this.#now() - startMs
    const outcome = await writing
    if (entries > 0) this.#options.onFlush?.({ entries, outcome, durationMs: this.#now() - startMs })
    this.#away = outcome.status === 'unavailable' ? outcome.reason : undefined
    if (outcome.status === 'unavailable') this.#takeBack(outcome.unwritten)
    if (outcome.status === 'written') {
      for (let row = 0; row < entries; row++)
        this.hasWritten(columns.pairIds[row] as number, columns.versions[row] as number)
      this.#catchUp()
    }
    this.#leaving.clear(this.#options.capacity)
    this.#flushing = undefined
    const isPartly = outcome.status === 'unavailable' && (outcome.unwritten?.length ?? entries) < entries
    const awayMs = this.#away !== undefined && !isPartly ? this.#options.flushMs * AWAY_FLUSHES : 0
    const pauseMs = Math.max(this.#options.flushMs, this.#pace.pauseAfter(busyMs), awayMs)
    if (this.#filling.columns.count > 0) this.#nextFlush.set(pauseMs)
    const isWhole = outcome.status === 'written'
    asked?.resolve(isWhole)
    return isWhole
  }

  /** Rows that could not be written wait again, unless their pairs were updated meanwhile. */
  #takeBack(unwritten: Iterable<number> = Array(this.#leaving.columns.count).keys()): void {
    const { columns: from } = this.#leaving
    for (const row of unwritten) {
      const pairId = from.pairIds[row] as number
      if (!this.#leaving.isWritten(row) || this.#filling.has(pairId)) continue
      const to = this.#rowOf(pairId, from.jsons[row], false)
      if (to >= 0) moveRow(from, row, to, this.#filling.columns)
      else this.#skip(pairId, from.versions[row] as number, this.#sources.ofCode(from.sourceCodes[row] as number))
    }
  }
}
