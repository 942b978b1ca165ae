import { setImmediate as nextTurn } from 'node:timers/promises'
import { Alarm } from '../alarm.ts'
import { Outage } from '../cache/outage.ts'
import type { ForewarmError } from '../forewarm-error.ts'
import { DAY_HOURS, HOUR_MS, hourOf } from '../prediction/access-history.ts'
import type { PairNames } from '../prediction/patterns-document.ts'
import { inTime } from '../timer.ts'
import { type Answer, type DayHashes, type Part, SHARES } from './day-hashes.ts'
import { storeDay } from './day-store.ts'
import { DaySum } from './day-sum.ts'
import { mergeEntries } from './merged-entry.ts'
import { dayOf, OwnReads } from './own-reads.ts'
import { REFUSALS, type Refusal } from './pattern-entry.ts'
import { type PatternStore, type PatternStoreOptions, SAVE_MS, Saves } from './pattern-store.ts'

export interface SharedPatternsOptions extends PatternStoreOptions {
  readonly hashes: DayHashes
  /** Names the entries of this process, and of no other. */
  readonly name: string
  readonly maxPairs: number
  readonly historyHours: number
  readonly namesOf: (pairId: number) => PairNames
  /** Negative if there is no room. */
  readonly idOf: (names: PairNames) => number
  /** Returns 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  /** Called when the forecast has hours to learn from. */
  readonly onLoaded: () => void
}

/** The next round after the first, and after each that failed. */
export const SOON_MS = 60_000
/** As long as nothing could be read since the start. */
export const RETRY_MS = 5_000
/** The last save takes no longer. */
export const CLOSE_MS = 5_000
/** More entries than this that nobody will write again become one. */
export const MOST_FINAL = 8
/** In one merge, which holds them all in memory. */
const MOST_MERGED = 16
/** Pairs whose counts are added in one turn of the event loop. */
const PAIRS_A_TURN = 500
/** So long after a day its key is gone, beyond the hours that are kept; the clocks of nodes differ. */
const SPARE_HOURS = DAY_HOURS
/** After so many days no node writes entries of the day, whatever its clock says. */
const OPEN_DAYS = 2

/** Why a round did not read all, and why it did not save all; undefined if it did. */
interface Round {
  readonly unread?: string | undefined
  readonly unsaved: string | undefined
}

/**
 * Patterns that all nodes of a service share. Each process stores its own reads of a day as one entry, and adds up the
 * entries of the others. It leaves out its own entries, so that its reads count once. After a restart it has a new name:
 * what it stored before is an entry of another process.
 */
export class SharedPatterns implements PatternStore {
  readonly #options: SharedPatternsOptions
  readonly #own: OwnReads
  readonly #saves = new Saves()
  readonly #outage: Outage
  readonly #next: Alarm
  readonly #refused = new Map<Refusal, number>(REFUSALS.map((reason) => [reason, 0]))
  /** The sum that is being made. */
  #sum: DaySum | undefined
  /** Days to read in the next round. */
  #unread = new Set<number>()
  #isLoaded = false
  #round: Promise<void> | undefined
  #state: 'made' | 'running' | 'closed' = 'made'

  constructor(options: SharedPatternsOptions) {
    const { log, timer } = options
    this.#options = options
    this.#own = new OwnReads(options)
    this.#outage = new Outage({
      onAway: (reason) => log.warn({ reason }, 'the shared patterns cannot be reached: trying again'),
      onBack: () => log.info('the shared patterns can be reached again'),
    })
    this.#next = new Alarm(() => this.#begin(), timer)
  }

  get failedSaves(): number {
    return this.#saves.failed
  }

  get unsaved(): ForewarmError | undefined {
    return this.#saves.unsaved
  }

  get trouble(): string | undefined {
    const { reason } = this.#outage
    if (reason === undefined) return this.#isLoaded || this.#state === 'closed' ? undefined : 'not read yet'
    return this.#isLoaded ? reason : `not read yet: ${reason}`
  }

  refused(reason: Refusal): number {
    return this.#refused.get(reason) ?? 0
  }

  onRead(pairId: number, atMs: number): void {
    this.#own.record(pairId, atMs)
  }

  onImported(pairId: number, hour: number, reads: number): void {
    this.#own.recordImported(pairId, hour, reads)
  }

  forget(pairId: number): void {
    this.#own.forget(pairId)
    this.#sum?.forget(pairId)
  }

  /** Reads in the background: a node does not wait for its patterns. */
  async start(): Promise<void> {
    if (this.#state !== 'made') return
    this.#state = 'running'
    const { clock, historyHours } = this.#options
    const hour = hourOf(clock.now())
    for (let day = dayOf(hour - historyHours + 1); day <= dayOf(hour); day++) this.#unread.add(day)
    this.#begin()
  }

  async close(): Promise<void> {
    const wasRunning = this.#state === 'running'
    this.#state = 'closed'
    this.#next.close()
    // A round in progress ends at once.
    this.#options.hashes.close()
    await this.#round
    if (!wasRunning) return
    const { hashes, timer } = this.#options
    const saving = this.#connected(async () => ({ unsaved: await this.#save(true) }))
    const late: Round = { unsaved: `no answer within ${CLOSE_MS} ms` }
    this.#tell((await inTime(saving, late, { delayMs: CLOSE_MS, timer })).unsaved)
    hashes.close()
  }

  #begin(): void {
    this.#round = this.#exchange().finally(() => {
      this.#round = undefined
    })
  }

  async #exchange(): Promise<void> {
    // A user who may not write reads all the same.
    const work = async () => ({ unsaved: await this.#save(false), unread: await this.#load() })
    const { unread, unsaved } = await this.#connected(work)
    // The last save is still to come.
    if (this.#state === 'closed') return
    this.#tell(unsaved)
    const reason = unread ?? unsaved
    this.#outage.saw(reason)
    const isFirst = !this.#isLoaded
    if (unread === undefined) this.#isLoaded = true
    const delayMs = reason === undefined && !isFirst ? SAVE_MS : SOON_MS
    const waitMs = this.#isLoaded ? delayMs : RETRY_MS
    // Nodes that were started together do not read and write together for ever.
    this.#next.set(waitMs * (1 - 0.2 * this.#options.random()))
  }

  async #connected(work: () => Promise<Round>): Promise<Round> {
    const { hashes } = this.#options
    try {
      const opened = await hashes.open()
      return opened.ok ? await work() : { unread: opened.reason, unsaved: opened.reason }
    } finally {
      hashes.close()
    }
  }

  /** Counts a save that failed. Without anything to save, nothing has failed. */
  #tell(unsaved: string | undefined): void {
    const [waiting] = this.#own.unstored(hourOf(this.#options.clock.now()))
    if (unsaved === undefined) this.#saves.succeeded()
    else if (waiting !== undefined) this.#saves.failedAt('redis', unsaved)
  }

  async #save(isLast: boolean): Promise<string | undefined> {
    const { clock, hashes, namesOf, name } = this.#options
    for (const each of this.#own.unstored(hourOf(clock.now()), isLast)) {
      const isFinal = isLast || each.entry !== name
      const stored = await storeDay(each, { hashes, namesOf, isFinal, untilMs: this.#untilMs(each.day) })
      if (!stored.ok) return stored.reason
      each.stored()
    }
    return undefined
  }

  /** Reads today, yesterday for as long as nodes store it, and what was not read yet. */
  async #load(): Promise<string | undefined> {
    const { clock, predictor, historyHours, onLoaded, log } = this.#options
    const now = hourOf(clock.now())
    for (const day of [dayOf(now), dayOf(now - 1)]) this.#unread.add(day)
    for (const day of [...this.#unread].sort((a, b) => b - a)) {
      const failure = day < dayOf(now - historyHours) ? undefined : await this.#loadDay(day, now)
      if (failure !== undefined) return failure
      this.#unread.delete(day)
    }
    if (this.#isLoaded) return undefined
    log.info({ pairs: predictor.history.places }, 'the shared patterns were read')
    // Otherwise the first read of an hour would learn from all that was loaded, at once.
    predictor.history.advance(now)
    predictor.learnAnew()
    onLoaded()
    return undefined
  }

  async #loadDay(day: number, now: number): Promise<string | undefined> {
    const { log } = this.#options
    let withoutRoom = 0
    for (let share = 0; share < SHARES; share++) {
      const outcome = await this.#loadPart({ day, share }, now)
      if (!outcome.ok) return outcome.reason
      withoutRoom += outcome.value
    }
    if (withoutRoom > 0) log.info({ day, refused: withoutRoom }, 'there was no room for pairs of the shared patterns')
    return undefined
  }

  /** Returns the number of pairs for which there was no room. */
  async #loadPart(part: Part, now: number): Promise<Answer<number>> {
    const { hashes, maxPairs, idOf } = this.#options
    const options = { hashes, maxPairs, idOf, onRefused: this.#refuse.bind(this), isClosed: () => this.#isClosed }
    const sum = new DaySum(options, { ...part, now, isOwn: (entry) => this.#own.has(part.day, entry, now) })
    // Ids may go to other pairs meanwhile.
    this.#sum = sum
    const read = await sum.read()
    if (!read.ok) return read
    await this.#add(sum, now)
    this.#sum = undefined
    const mergeable = part.day < dayOf(now) - OPEN_DAYS ? sum.entries : sum.finals
    if (mergeable.length > MOST_FINAL) await this.#merge(part, mergeable.slice(0, MOST_MERGED))
    return { ok: true, value: sum.withoutRoom }
  }

  get #isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Raises the predictor's counts to the sum of all; those that it has are in there already. */
  async #add(sum: DaySum, now: number): Promise<void> {
    const { history } = this.#options.predictor
    const { firstHour, lastHour } = sum
    if (lastHour < 0) return
    const from = Math.max(firstHour, now - history.hours + 1)
    if (from <= now) history.advance(from)
    let turn = 0
    for (const pairId of [...sum.pairIds]) {
      for (let hour = from; hour <= lastHour && history.hasRoomFor(pairId); hour++) {
        const others = sum.in(pairId, hour)
        if (others > 0) history.recordAtLeast(pairId, hour, others + this.#own.in(pairId, hour, now))
      }
      if (++turn % PAIRS_A_TURN === 0) await nextTurn()
    }
  }

  /** A user who may not merge, or for whom it failed, shares patterns all the same. */
  async #merge(part: Part, from: readonly string[]): Promise<void> {
    const { hashes, name, clock, log } = this.#options
    const to = `${name}.merged-${clock.now()}`
    const merged = await mergeEntries(hashes, { ...part, from, to, untilMs: this.#untilMs(part.day) })
    if (!merged.ok) log.debug({ ...part, reason: merged.reason }, 'shared patterns were not merged')
  }

  #refuse(entry: string, part: Part, reason: Refusal): void {
    this.#refused.set(reason, this.refused(reason) + 1)
    this.#options.log.warn({ entry, ...part, reason }, 'an entry of the shared patterns was passed over')
  }

  #untilMs(day: number): number {
    return ((day + 1) * DAY_HOURS + this.#options.historyHours + SPARE_HOURS) * HOUR_MS
  }
}
