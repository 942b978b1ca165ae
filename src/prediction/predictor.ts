import { AccessHistory, DAY_HOURS, hourOf, LAST_HOUR } from './access-history.ts'
import { HoltForecast } from './forecast.ts'
import { type AccessPattern, patternOf } from './pattern.ts'
import {
  exportPatterns,
  type ImportOptions,
  importPatterns,
  type PairNames,
  type PatternsDocument,
  parsePatterns,
  patternText,
} from './patterns-document.ts'
import { popular } from './popular.ts'
import { type Kind, type Proposal, surest } from './proposal.ts'
import { sectorRotation } from './sector-rotation.ts'
import { nextOpening, SESSIONS, sessionPairs } from './sessions.ts'
import { timeOfDay } from './time-of-day.ts'
import { TrackRecord } from './track-record.ts'
import { trending } from './trending.ts'

/** Beyond a day ahead, nothing is known that is not known of tomorrow. */
export const FARTHEST_HOURS = DAY_HOURS

export interface PredictorOptions {
  readonly maxPairs: number
  /** The number of hours that are kept; a week unless given. */
  readonly historyHours?: number
  readonly namesOf: (pairId: number) => PairNames
  /** Negative if there is no room. */
  readonly idOf: (names: PairNames) => number
  /** So long after its end the forecast learns from an hour; reads of other nodes may be told late. Default: 0. */
  readonly settleHours?: number
}

/** The number of pairs that there was no room for, or what is wrong with the document. */
type Imported = { readonly refused: number } | { readonly problem: string }

/** How many reads were counted, and how well each kind of prediction did. */
export interface PredictorStats {
  readonly totalAccesses: number
  readonly uniquePairs: number
  /** The pairs read most lately. */
  readonly top10: readonly string[]
  /** The share, 0 to 1, of recommendations read within their hours; only of kinds of which any were judged. */
  readonly accuracyByKind: Readonly<Partial<Record<Kind, number>>>
}

/** A read in an hour is usual if it came on this share of the days. */
const USUAL = 0.5
const TRENDING_HOURS = 24

/**
 * Predicts reads from history. It proposes pairs that are popular, trending, usual at this time of the day or when a
 * session opens, forecast for the hour, or in the group whose turn it is. Each proposal has a confidence; none warms
 * anything.
 */
export class Predictor {
  readonly history: AccessHistory
  readonly #options: PredictorOptions
  readonly #trackRecord = new TrackRecord()
  #forecast = new HoltForecast()
  /** The first hour that the forecast has learned from, and the last. */
  #learnedFrom = Number.POSITIVE_INFINITY
  #learnedTo = -1

  constructor(options: PredictorOptions) {
    this.#options = options
    const { maxPairs, historyHours } = options
    this.history = new AccessHistory({ maxPairs, hours: historyHours })
  }

  /** The pair is read. Learns from the hours that have ended since the last read. */
  recordAccess(pairId: number, atMs: number): void {
    if (hourOf(atMs) > this.history.lastHour) this.tell(atMs)
    this.history.record(pairId, atMs)
  }

  /** Time goes on, even if nothing is read. */
  tell(nowMs: number): void {
    const hour = hourOf(nowMs)
    const { history } = this
    if (!(hour > history.lastHour && hour <= LAST_HOUR)) return
    this.#trackRecord.judge(history, hour)
    history.advance(hour)
    this.#learn()
  }

  /** Hours in which a pair was read that the forecast had no room for; counted once a pair. */
  get notForecast(): number {
    return this.#forecast.refusedPairHours
  }

  popular(nowMs: number, limit: number): readonly Proposal[] {
    return popular(this.history, { hour: hourOf(nowMs), limit })
  }

  trending(nowMs: number, options: { readonly windowHours?: number; readonly limit: number }): readonly Proposal[] {
    const { windowHours = TRENDING_HOURS, limit } = options
    return trending(this.history, { hour: hourOf(nowMs), windowHours, limit })
  }

  timeOfDay(nowMs: number, options: { readonly lookAheadHours: number; readonly limit: number }): readonly Proposal[] {
    return timeOfDay(this.history, { hour: hourOf(nowMs), minConfidence: USUAL, ...options })
  }

  forecast(nowMs: number, options: { readonly hours: number; readonly limit: number }): readonly Proposal[] {
    return this.#forecast.proposals({ hour: hourOf(nowMs), ...options })
  }

  sectorRotation(nowMs: number, limit: number): readonly Proposal[] {
    const groupOf = (pairId: number) => this.#options.namesOf(pairId).group
    return sectorRotation(this.history, { hour: hourOf(nowMs), limit, groupOf })
  }

  /** Proposals for the sessions that open within `lookAheadHours`. */
  sessions(nowMs: number, options: { readonly lookAheadHours: number; readonly limit: number }): readonly Proposal[] {
    const hour = hourOf(nowMs)
    const nameOf = (pairId: number) => this.#options.namesOf(pairId).pair
    const opening = SESSIONS.filter((session) => nextOpening(session, hour + 1) <= hour + options.lookAheadHours)
    return opening.flatMap((session) =>
      sessionPairs(this.history, { session, hour: hour + 1, limit: options.limit, nameOf }),
    )
  }

  /** The surest proposal for each pair, of all kinds; each kind is believed as far as its earlier proposals came true. */
  recommendations(
    nowMs: number,
    options: { readonly lookAheadHours: number; readonly limit: number },
  ): readonly Proposal[] {
    const { lookAheadHours, limit } = options
    const best = new Map<number, Proposal>()
    const all = [
      this.popular(nowMs, limit),
      this.trending(nowMs, { limit }),
      this.timeOfDay(nowMs, options),
      this.sessions(nowMs, options),
      this.forecast(nowMs, { hours: lookAheadHours, limit }),
      this.sectorRotation(nowMs, limit),
    ].flat()
    this.#trackRecord.note(all, { hour: hourOf(nowMs), hours: lookAheadHours })
    for (const each of all) {
      const proposal = this.#trackRecord.discounted(each)
      if (proposal.confidence > (best.get(proposal.pairId)?.confidence ?? 0)) best.set(proposal.pairId, proposal)
    }
    return surest([...best.values()], limit)
  }

  /** Undefined if the pair was not read. */
  pattern(pairId: number): AccessPattern | undefined {
    return patternOf(this.history, { pairId, pair: this.#options.namesOf(pairId).pair })
  }

  stats(nowMs: number): PredictorStats {
    const { history } = this
    const uniquePairs = [...history.pairIds()].length
    const top10 = this.popular(nowMs, 10).map(({ pairId }) => this.#options.namesOf(pairId).pair)
    return { totalAccesses: history.total, uniquePairs, top10, accuracyByKind: this.#trackRecord.accuracyByKind() }
  }

  exportPatterns(): PatternsDocument {
    return exportPatterns(this.history, this.#options.namesOf)
  }

  /** The same document as text, in pieces that take a moment each. */
  patternText(service?: string): Iterable<string> {
    return patternText(this.history, this.#options.namesOf, service)
  }

  /**
   * Takes what JSON.parse gave, without hours after `nowMs`; known reads are not counted again. Returns the number of
   * pairs that there was no room for, or what is wrong with the document.
   */
  importPatterns(value: unknown, nowMs?: number): Imported {
    const outcome = this.addPatterns(value, nowMs)
    if (!('problem' in outcome)) this.#learn()
    return outcome
  }

  /** As `importPatterns`; the forecast has learned when `learnHour` returns false. To learn at once may take long. */
  addPatterns(value: unknown, nowMs?: number, onAdded?: ImportOptions['onAdded']): Imported {
    const parsed = parsePatterns(value, nowMs === undefined ? undefined : hourOf(nowMs))
    if (!parsed.ok) return { problem: parsed.problem }
    const refused = importPatterns(parsed.document, this.history, { idOf: this.#options.idOf, onAdded })
    this.learnAnew()
    return { refused }
  }

  /**
   * Reads were added to hours that had ended. The forecast learns anew, unless it has learned from weeks that the history
   * has dropped: these are worth more than the added reads. It has learned when `learnHour` returns false.
   */
  learnAnew(): void {
    if (this.history.firstHour > this.#learnedFrom) return
    this.#forecast = new HoltForecast()
    this.#learnedTo = -1
  }

  /** The forecast learns from the next hour that has ended. False if it has learned from all of them. */
  learnHour(): boolean {
    const { history } = this
    const hour = Math.max(this.#learnedTo + 1, history.firstHour)
    if (hour > this.#lastSettled) return false
    this.#forecast.close(history, hour)
    this.#learnedFrom = Math.min(this.#learnedFrom, hour)
    this.#learnedTo = hour
    return true
  }

  #learn(): void {
    const { history } = this
    if (history.lastHour >= 0)
      this.#learnedFrom = Math.min(this.#learnedFrom, Math.max(this.#learnedTo + 1, history.firstHour))
    while (this.learnHour());
    this.#learnedTo = Math.max(this.#learnedTo, this.#lastSettled)
  }

  /** The last hour of which all reads are known. */
  get #lastSettled(): number {
    return this.history.lastHour - 1 - (this.#options.settleHours ?? 0)
  }
}
