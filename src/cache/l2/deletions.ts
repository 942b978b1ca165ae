import { Alarm } from '../../alarm.ts'
import type { Clock } from '../../clock.ts'
import { InFlight } from '../../in-flight.ts'
import type { Timer } from '../../timer.ts'
import { VERSIONS_PER_MS } from '../cached-price.ts'
import type { FirstLevel } from '../l1/first-level.ts'
import type { Deletion, L2, L2Write } from './l2.ts'

export interface DeletionsOptions {
  readonly l1: Pick<FirstLevel, 'floor'>
  readonly l2: Pick<L2, 'delete'>
  readonly clock: Clock
  /** How long L2 remembers a deletion. */
  readonly tombstoneTtlMs: number
  /** Called once, by `close`, if L2 did not get all deletions: how many it lacks, and why. */
  readonly onLost?: (deletions: number, reason: string) => void
  readonly timer?: Timer
}

interface Kept {
  readonly version: number
  readonly upTo: number
  readonly untilMs: number
}

/** Pairs in one trip. */
const PAIRS_A_TRIP = 256
/** The pause after a trip that L2 did not take. */
const AWAY_MS = 200
/** Deletions that L2 has are remembered up to this number; then the oldest is forgotten. */
const MAX_KEPT = 65_536

/**
 * Deletions on their way to L2. One that L2 does not take is sent again until L2 has it, or until the pair has a newer
 * value. Those that L2 has are remembered as long as L2 does so, also other nodes' that L2 told of. If Redis is emptied,
 * they are sent once more, because other nodes push back the values that they still have.
 *
 * A deletion deletes what L2 has when it is made. If it comes later, it must not delete a value of another node that was
 * made after it: then it deletes what is not newer than its own moment.
 */
export class Deletions {
  readonly #options: DeletionsOptions
  readonly #waiting = new Map<number, Kept>()
  readonly #kept = new Map<number, Kept>()
  readonly #nextTrip: Alarm
  readonly #made = new InFlight()
  #sending: Promise<void> | undefined
  #away = 'closed'
  #isClosing = false
  #closing: Promise<void> | undefined

  constructor(options: DeletionsOptions) {
    this.#options = options
    this.#nextTrip = new Alarm(() => void this.flush(), options.timer)
  }

  /** Deletions that L2 does not have yet. */
  get pending(): number {
    return this.#waiting.size
  }

  /** L2 does not have the deletion yet. */
  holds(pairId: number): boolean {
    return this.#waiting.has(pairId)
  }

  /** The name of the pair has lost its id: its deletion is not sent again, should Redis be emptied. */
  forget(pairId: number): void {
    this.#kept.delete(pairId)
  }

  /** Deletes the pair up to `version`, and whatever L2 has of it up to `upTo`: everything unless given. */
  delete(deletion: Deletion): Promise<L2Write> {
    return this.#made.add(this.#delete(deletion))
  }

  /** Resolves to whether L2 has all deletions that were made before the call. Those that it did not take are sent again. */
  async settled(): Promise<boolean> {
    const pairIds = [...this.#waiting.keys()]
    const isWaiting = (pairId: number) => this.#waiting.has(pairId)
    await this.#made.settled()
    if (pairIds.some(isWaiting)) await this.flush()
    return !pairIds.some(isWaiting)
  }

  async #delete({ pairId, version, upTo }: Deletion): Promise<L2Write> {
    const { l1, l2, clock, tombstoneTtlMs } = this.#options
    const nowMs = clock.now()
    const later = Math.max(version, upTo ?? (nowMs + 1) * VERSIONS_PER_MS - 1)
    const kept = { version, upTo: later, untilMs: nowMs + tombstoneTtlMs }
    this.#kept.delete(pairId)
    this.#waiting.set(pairId, kept)
    const outcome = await l2.delete([upTo === undefined ? { pairId, version } : { pairId, version, upTo }])
    // Another deletion of the pair may have been made meanwhile.
    if (this.#waiting.get(pairId) !== kept) return outcome
    if (outcome.status === 'unavailable') this.#fail(outcome.reason)
    else {
      this.#waiting.delete(pairId)
      // L2 told L1 if it had a newer value: the tombstone has the version of that one.
      const taken = Math.max(version, Math.min(l1.floor(pairId) - 1, later))
      if (outcome.older === 0) this.#keep(pairId, { ...kept, version: taken, upTo: taken })
    }
    return outcome
  }

  /** L2 told of another node's deletion. That node may be gone when Redis is emptied. */
  heard({ pairId, version }: Deletion): void {
    const { l1, clock, tombstoneTtlMs } = this.#options
    const known = this.#kept.get(pairId)?.version ?? 0
    if (this.#waiting.has(pairId) || known >= version || l1.floor(pairId) > version + 1) return
    this.#keep(pairId, { version, upTo: version, untilMs: clock.now() + tombstoneTtlMs })
  }

  /** Redis may have lost what it had: all deletions are sent again. */
  pushBack(): void {
    if (this.#isClosing) return
    for (const [pairId, kept] of this.#kept) this.#waiting.set(pairId, kept)
    this.#kept.clear()
    void this.flush()
  }

  /** Sends what waits. Resolves when L2 has it, or does not take it. */
  flush(): Promise<void> {
    this.#nextTrip.clear()
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  /** Tries once to send what waits. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    await this.#sending
    await this.flush()
    this.#nextTrip.close()
    const lost = this.#waiting.size
    if (lost > 0) this.#options.onLost?.(lost, this.#away)
  }

  async #send(): Promise<void> {
    const deletions = this.#current()
    for (let from = 0; from < deletions.length; from += PAIRS_A_TRIP) {
      const trip = deletions.slice(from, from + PAIRS_A_TRIP)
      const sent = trip.map(({ pairId }) => this.#waiting.get(pairId))
      const outcome = await this.#options.l2.delete(trip)
      const isUnwritten = unwrittenOf(outcome, trip.length)
      for (const [at, { pairId }] of trip.entries()) {
        const kept = sent[at]
        if (isUnwritten(at) || kept === undefined || this.#waiting.get(pairId) !== kept) continue
        this.#waiting.delete(pairId)
        this.#keep(pairId, { ...kept, upTo: kept.version })
      }
      if (outcome.status === 'unavailable') this.#fail(outcome.reason)
      if (outcome.status === 'unavailable' && outcome.unwritten === undefined) return
    }
  }

  /** What waits, without the deletions of pairs that have had something newer since, and those that L2 would have forgotten. */
  #current(): Deletion[] {
    const { l1, clock } = this.#options
    const nowMs = clock.now()
    const deletions: Deletion[] = []
    for (const [pairId, { version, upTo, untilMs }] of this.#waiting) {
      if (untilMs <= nowMs || l1.floor(pairId) > version + 1) this.#waiting.delete(pairId)
      else deletions.push({ pairId, version, upTo })
    }
    return deletions
  }

  #keep(pairId: number, kept: Kept): void {
    this.#kept.set(pairId, kept)
    if (this.#kept.size <= MAX_KEPT) return
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined) this.#kept.delete(oldest)
  }

  #fail(reason: string): void {
    this.#away = reason
    if (!this.#isClosing) this.#nextTrip.set(AWAY_MS)
  }
}

/** Tells whether the deletion at a place of the trip was not taken. */
function unwrittenOf(outcome: L2Write, count: number): (at: number) => boolean {
  if (outcome.status === 'written') return () => false
  const unwritten = new Set(outcome.unwritten ?? Array(count).keys())
  return (at) => unwritten.has(at)
}
