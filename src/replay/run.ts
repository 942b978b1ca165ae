import { type Content, contentOf } from './content.ts'
import { FILTER_REASONS, type FilterReason, positionReason, selectContent } from './filter.ts'
import { Pace, type ReplayTime } from './pace.ts'
import type { ReplayPlan } from './plan.ts'
import { progressOf, type ReplayProgress } from './progress.ts'
import type { ReplayRecord } from './replay-record.ts'
import type { ReplayReport } from './report.ts'
import { rewrite } from './rewrite.ts'
import type { ReplaySink } from './sink/sink.ts'
import { LostLedger, type ReplaySource } from './source/source.ts'
import { createStateHash, type StateHash } from './state-hash.ts'
import { TimestampShift } from './timestamps.ts'

export interface ReplayRunOptions {
  readonly plan: ReplayPlan
  readonly source: ReplaySource
  readonly sink: ReplaySink
  readonly time: ReplayTime
  readonly signal: AbortSignal
}

/** Timers are no finer: a shorter wait is skipped. */
const SHORTEST_WAIT_MS = 1

/** Takes records from the source one by one: selects, waits until each is due, rewrites it and applies it. */
export class ReplayRun {
  readonly #options: ReplayRunOptions
  readonly #pace: Pace
  readonly #timestamps: TimestampShift
  readonly #startedMs = performance.now()
  readonly #filtered = Object.fromEntries(FILTER_REASONS.map((reason) => [reason, 0])) as Record<FilterReason, number>
  readonly #kinds: Record<Content['kind'], number> = { prices: 0, delisted: 0, 'warm-request': 0, other: 0 }
  /** What the source could not read, all passes together. */
  readonly #skipped = new LostLedger()
  #hash: StateHash = createStateHash()
  #passes = 0
  #read = 0
  #replayed = 0
  #updates = 0
  #olderUpdates = 0
  #firstTimestampMs: number | undefined
  #lastTimestampMs: number | undefined
  #maxBehindMs = 0
  /** The records in hand: their begin and end in the pass, 0 to 1, their number, and how many are done. */
  #inHand = { from: 0, to: 0, records: 0, done: 0 }

  constructor(options: ReplayRunOptions) {
    this.#options = options
    this.#pace = new Pace({ speed: options.plan.speed, time: options.time })
    this.#timestamps = new TimestampShift(options.plan.timestamps, options.time)
  }

  /** Resolves when all passes are done, `max` is reached or the signal is aborted. */
  async run(): Promise<void> {
    const { plan, signal } = this.#options
    while (this.#passes < plan.passes && this.#replayed < plan.max && !signal.aborted) {
      const before = this.#read
      this.#passes++
      this.#pace.restart()
      this.#timestamps.restart()
      this.#hash = createStateHash()
      await this.#pass()
      for (const { reason, records, first } of this.#options.source.lost()) this.#skipped.add(reason, records, first)
      // A source without records would be read forever.
      if (this.#read === before) break
    }
  }

  progress(): ReplayProgress {
    const { source, plan } = this.#options
    const ofPass = source.fraction() === undefined ? undefined : this.#fractionOfPass()
    const ofMax = this.#replayed / plan.max
    const ofAll = ofPass === undefined ? undefined : (this.#passes - 1 + ofPass) / plan.passes
    return progressOf({
      records: this.#replayed,
      fraction: Number.isFinite(plan.max)
        ? Math.max(ofMax, ofAll ?? 0)
        : Number.isFinite(plan.passes)
          ? ofAll
          : undefined,
      behindMs: this.#pace.behindMs,
      elapsedMs: performance.now() - this.#startedMs,
    })
  }

  async report(expectedHash: string | undefined): Promise<ReplayReport> {
    const { sink, signal } = this.#options
    const stateHash = (await sink.stateHash?.()) ?? this.#hash.digest()
    return {
      status: signal.aborted ? 'interrupted' : 'done',
      passes: this.#passes,
      read: this.#read,
      replayed: this.#replayed,
      filtered: { ...this.#filtered },
      skipped: this.#skipped.list(),
      failed: sink.failed?.() ?? [],
      kinds: { ...this.#kinds },
      formats: this.#formats(),
      updates: this.#updates,
      olderUpdates: this.#olderUpdates,
      firstTimestampMs: this.#firstTimestampMs,
      lastTimestampMs: this.#lastTimestampMs,
      durationMs: performance.now() - this.#startedMs,
      maxBehindMs: this.#maxBehindMs,
      targets: sink.targets?.() ?? [],
      stateHash,
      // The hash of nothing is no proof of anything.
      hashMatches:
        expectedHash === undefined ? undefined : this.#replayed > 0 && stateHash === expectedHash.toLowerCase(),
    }
  }

  #formats(): Readonly<Record<string, string>> {
    const { source, plan } = this.#options
    const named = [...source.origin.topics.keys()].map((topic) => [topic, plan.formats?.of(topic)?.name] as const)
    return Object.fromEntries(named.flatMap(([topic, name]) => (name === undefined ? [] : [[topic, name]])))
  }

  async #pass(): Promise<void> {
    const { source, signal, plan } = this.#options
    this.#inHand = { from: 0, to: 0, records: 0, done: 0 }
    for await (const records of source.read(signal)) {
      this.#inHand = { from: this.#inHand.to, to: source.fraction() ?? 0, records: records.length, done: 0 }
      if ((await plan.formats?.ready(records, signal)) === false) return
      for (const record of records) {
        if (signal.aborted || this.#replayed >= plan.max) return
        this.#read++
        const selected = this.#select(record)
        if (selected !== undefined) await this.#replay(selected.record, selected.content)
        this.#inHand.done++
      }
    }
  }

  /** The source is ahead by the records in hand. When replayed at a pace, these may be all there are. */
  #fractionOfPass(): number {
    const { from, to, records, done } = this.#inHand
    return records === 0 ? to : from + ((to - from) * done) / records
  }

  #select(record: ReplayRecord): { readonly record: ReplayRecord; readonly content: Content } | undefined {
    const { filter, formats } = this.#options.plan
    const reason = positionReason(record, filter)
    if (reason !== undefined) {
      this.#filtered[reason]++
      return undefined
    }
    const selection = selectContent(record, contentOf(record, formats), filter)
    if (selection.pass) return selection
    this.#filtered[selection.reason]++
    return undefined
  }

  async #replay(record: ReplayRecord, content: Content): Promise<void> {
    const { sink, signal } = this.#options
    if (this.#pace.dueInMs(record.timestampMs) >= SHORTEST_WAIT_MS) {
      // Records that were due must not wait for this one.
      await sink.flush()
      await this.#pace.wait(record.timestampMs, signal)
      if (signal.aborted) {
        this.#read--
        return
      }
    }
    this.#maxBehindMs = Math.max(this.#maxBehindMs, this.#pace.behindMs)
    await sink.apply(rewrite(record, content, this.#timestamps.at(record.timestampMs)))
    this.#count(record, content)
  }

  #count(record: ReplayRecord, content: Content): void {
    this.#replayed++
    this.#kinds[content.kind]++
    this.#firstTimestampMs = Math.min(this.#firstTimestampMs ?? record.timestampMs, record.timestampMs)
    this.#lastTimestampMs = Math.max(this.#lastTimestampMs ?? record.timestampMs, record.timestampMs)
    switch (content.kind) {
      case 'prices':
        for (const update of content.updates) {
          this.#updates++
          if (this.#hash.updatePrice(update) === 'older') this.#olderUpdates++
        }
        break
      case 'delisted':
        for (const { chain, pair } of [content, ...(content.others ?? [])]) this.#hash.delist(chain, pair)
        break
      case 'warm-request':
      case 'other':
        break
    }
  }
}
