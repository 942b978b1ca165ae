import { AccessHistory, DAY_HOURS, HOUR_MS } from '../prediction/access-history.ts'

/** Today's reads and those of yesterday are stored; older ones are left as they are. */
const STORED_DAYS = 2

export interface OwnReadsOptions {
  /** Names the entries of this process, and of no other. */
  readonly name: string
  readonly maxPairs: number
  readonly historyHours: number
}

/** Reads that are to be stored as the entries of a day. */
export interface DayReads {
  readonly day: number
  readonly entry: string
  readonly reads: AccessHistory
  /** The shares that are stored already: once they are, others may merge them. Undefined: all are stored each time. */
  readonly shares?: Set<number>
  /** Called when they are stored. */
  stored(): void
}

/**
 * The reads that this process adds to the shared patterns: those of its detectors, and those that were imported into it.
 * An entry is always stored as a whole, so storing it twice counts nothing twice. An import gets entries of its own, as
 * it may be of any day; they are stored once.
 */
export class OwnReads {
  readonly #options: OwnReadsOptions
  readonly #reads: AccessHistory
  #storedReads = 0
  #storedDay = -1
  #imported: AccessHistory | undefined
  /** Imports that are being stored, with the days that are not stored yet and the shares of each that are. */
  #leaving:
    | { readonly entry: string; readonly reads: AccessHistory; readonly days: Map<number, Set<number>> }
    | undefined
  #imports = 0

  constructor(options: OwnReadsOptions) {
    this.#options = options
    this.#reads = new AccessHistory({ maxPairs: options.maxPairs, hours: STORED_DAYS * DAY_HOURS })
  }

  record(pairId: number, atMs: number): void {
    this.#reads.record(pairId, atMs)
  }

  recordImported(pairId: number, hour: number, reads: number): void {
    const { maxPairs, historyHours: hours } = this.#options
    this.#imported ??= new AccessHistory({ maxPairs, hours })
    this.#imported.record(pairId, hour * HOUR_MS, reads)
  }

  forget(pairId: number): void {
    for (const reads of [this.#reads, this.#imported, this.#leaving?.reads]) reads?.forget(pairId)
  }

  /** Reads of the hour that are in no entry of others, as of the hour `now`. */
  in(pairId: number, hour: number, now: number): number {
    const day = dayOf(hour)
    const own = isStored(day, now) ? this.#reads.in(pairId, hour) : 0
    const leaving = this.#leaving?.days.has(day) === true ? this.#leaving.reads.in(pairId, hour) : 0
    return own + leaving + (this.#imported?.in(pairId, hour) ?? 0)
  }

  /** Whether `in` has the reads of this entry. */
  has(day: number, entry: string, now: number): boolean {
    if (entry === this.#options.name) return isStored(day, now)
    return entry === this.#leaving?.entry && this.#leaving.days.has(day)
  }

  /** The reads that are not stored yet, or with `all` those of both days; as of the hour `now`. */
  *unstored(now: number, all = false): Iterable<DayReads> {
    const total = this.#reads.total
    if (total > 0 && (all || total > this.#storedReads)) {
      const from = Math.max(dayOf(now) - STORED_DAYS + 1, all ? 0 : this.#storedDay)
      for (let day = from; day <= dayOf(now); day++) {
        const stored = () => {
          if (day === dayOf(now)) [this.#storedReads, this.#storedDay] = [total, day]
        }
        yield { day, entry: this.#options.name, reads: this.#reads, stored }
      }
    }
    yield* this.#unstoredImports()
  }

  *#unstoredImports(): Iterable<DayReads> {
    const imported = this.#imported
    if (this.#leaving === undefined && imported !== undefined) {
      const days = new Map<number, Set<number>>()
      for (let day = dayOf(imported.firstHour); day <= dayOf(imported.lastHour); day++) days.set(day, new Set())
      this.#leaving = { entry: `${this.#options.name}.${++this.#imports}`, reads: imported, days }
      this.#imported = undefined
    }
    const leaving = this.#leaving
    if (leaving === undefined) return
    for (const [day, shares] of [...leaving.days]) {
      const stored = () => {
        leaving.days.delete(day)
        if (leaving.days.size === 0) this.#leaving = undefined
      }
      yield { day, entry: leaving.entry, reads: leaving.reads, shares, stored }
    }
  }
}

export function dayOf(hour: number): number {
  return Math.floor(hour / DAY_HOURS)
}

function isStored(day: number, now: number): boolean {
  return day > dayOf(now) - STORED_DAYS
}
