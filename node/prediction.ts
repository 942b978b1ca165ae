import { Alarm } from '../src/alarm.ts'
import type { PairTable } from '../src/cache/names/pair-table.ts'
import type { Clock } from '../src/clock.ts'
import { argument } from '../src/config/argument.ts'
import { integer, wholeFromZero } from '../src/config/check.ts'
import { assertOptions } from '../src/config/options.ts'
import type { Config } from '../src/config/settings.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { MOST_KEPT, PatternFile } from '../src/patterns/pattern-file.ts'
import type {
  NamedPattern,
  NodePredictor,
  Recommendation,
  RecommendationOptions,
} from '../src/prediction/node-predictor.ts'
import type { AccessPattern } from '../src/prediction/pattern.ts'
import { type PatternsDocument, serviceOfPatterns } from '../src/prediction/patterns-document.ts'
import { FARTHEST_HOURS, Predictor, type PredictorStats } from '../src/prediction/predictor.ts'
import type { Log } from '../src/telemetry/log.ts'
import type { Timer } from '../src/timer.ts'

export interface NodePredictionOptions {
  readonly config: Config
  readonly table: PairTable
  readonly clock: Clock
  readonly log: Log
  readonly timer?: Timer
}

const SAVE_MS = 15 * 60_000
const LIMIT = 100
const HOURS = integer(1, FARTHEST_HOURS)

export class NodePrediction implements NodePredictor {
  readonly #options: NodePredictionOptions
  readonly #predictor: Predictor
  readonly #file: PatternFile | undefined
  #isLearning = false
  readonly #nextSave: Alarm
  #failedSaves = 0
  #unsaved: ForewarmError | undefined
  #state: 'made' | 'running' | 'closed' = 'made'

  constructor(options: NodePredictionOptions) {
    this.#options = options
    this.#nextSave = new Alarm(() => void this.#save().then(() => this.#nextSave.set(SAVE_MS)), options.timer)
    const { config, table } = options
    this.#predictor = new Predictor({
      maxPairs: config.correlation.maxTrackedPairs,
      historyHours: config.prediction.historyHours,
      namesOf: (pairId) => ({ ...table.namesOf(pairId), group: table.groupOf(pairId) }),
      idOf: ({ chain, pair, group }) => {
        const pairId = table.ask(chain, pair)
        if (pairId >= 0 && group !== undefined) table.setGroup(pairId, group)
        return pairId
      },
    })
    this.#file = config.prediction.store === undefined ? undefined : new PatternFile(config.prediction.store)
  }

  /** Reads that were not counted: all MAX_TRACKED_PAIRS places were taken, or the read was older than the history. */
  get notRemembered(): number {
    return this.#predictor.history.refusedReads + this.#predictor.history.late
  }

  /** Pairs whose place was given to another pair. */
  get recycled(): number {
    return this.#predictor.history.recycled
  }

  get failedSaves(): number {
    return this.#failedSaves
  }

  /** Why the last save failed; undefined if it did not. */
  get unsaved(): ForewarmError | undefined {
    return this.#unsaved
  }

  /** Hours that were not forecast because the forecast's table was full. */
  get notForecast(): number {
    return this.#predictor.notForecast
  }

  forget(pairId: number): void {
    this.#predictor.history.forget(pairId)
  }

  /** Called with each read of a detector. Undefined when prediction is off. */
  get onRead(): ((pairId: number, atMs: number) => void) | undefined {
    if (!this.#options.config.prediction.enabled) return undefined
    return (pairId, atMs) => this.#predictor.recordAccess(pairId, atMs)
  }

  /**
   * Restores the saved history. A file that cannot be read is logged and left alone, and the node begins without history.
   * Rejects with `bad-config` when PATTERN_STORE cannot be written to.
   */
  async start(): Promise<void> {
    if (this.#state !== 'made' || this.#file === undefined) return
    const unusable = await this.#file.problem()
    const { store } = this.#options.config.prediction
    if (unusable !== undefined)
      throw new ForewarmError(
        'bad-config',
        `PATTERN_STORE: expected a file that can be saved, got ${store}: ${unusable}`,
      )
    this.#state = 'running'
    const { log } = this.#options
    const { service } = this.#options.config.node
    let refusedPairs = 0
    const { from, problems } = await this.#file.restore((document) => {
      const other = serviceOfPatterns(document) ?? service
      if (other !== service) throw this.#foreign(other)
      const outcome = this.#predictor.importPatterns(document, this.#options.clock.now())
      if ('problem' in outcome) return outcome.problem
      refusedPairs = outcome.refused
      return undefined
    })
    for (const problem of problems) log.warn({ problem }, 'patterns could not be restored')
    if (from !== undefined) log.info({ from, refused: refusedPairs }, 'patterns restored')
    this.#nextSave.set(SAVE_MS)
  }

  /** Saves the history. May be called twice. */
  async close(): Promise<void> {
    const wasRunning = this.#state === 'running'
    this.#state = 'closed'
    this.#nextSave.close()
    if (wasRunning) await this.#save()
  }

  recommendations(options: RecommendationOptions = {}): readonly Recommendation[] {
    assertOptions('recommendations', options, { lookAheadHours: true, limit: true })
    const { lookAheadHours = 1, limit = LIMIT } = options
    const { table, clock } = this.#options
    const nowMs = clock.now()
    const accepted = {
      lookAheadHours: argument('lookAheadHours', lookAheadHours, HOURS),
      limit: argument('limit', limit, wholeFromZero),
    }
    this.#predictor.tell(nowMs)
    return this.#predictor.recommendations(nowMs, accepted).map(({ pairId, kind, confidence, reason }) => ({
      ...table.namesOf(pairId),
      ...{ kind, confidence, reason },
    }))
  }

  pattern(chain: string, pair: string): AccessPattern | undefined {
    const pairId = this.#options.table.find(chain, pair)
    return pairId < 0 ? undefined : this.#predictor.pattern(pairId)
  }

  patterns(limit = LIMIT): readonly NamedPattern[] {
    const { table, clock } = this.#options
    const nowMs = clock.now()
    const most = argument('limit', limit, wholeFromZero)
    this.#predictor.tell(nowMs)
    return this.#predictor.popular(nowMs, most).flatMap(({ pairId }) => {
      const pattern = this.#predictor.pattern(pairId)
      return pattern === undefined ? [] : [{ ...table.namesOf(pairId), ...pattern }]
    })
  }

  stats(): PredictorStats {
    const nowMs = this.#options.clock.now()
    this.#predictor.tell(nowMs)
    return this.#predictor.stats(nowMs)
  }

  exportPatterns(): PatternsDocument {
    return this.#predictor.exportPatterns()
  }

  importPatterns(document: unknown): { readonly refused: number } | { readonly problem: string } {
    const outcome = this.#predictor.addPatterns(document, this.#options.clock.now())
    if (!('problem' in outcome) && !this.#isLearning) this.#learnSoon()
    return outcome
  }

  /** An hour in a turn of the event loop: a week of many pairs at once would hold it for hundreds of milliseconds. */
  #learnSoon(): void {
    this.#isLearning = true
    setImmediate(() => {
      if (this.#state !== 'closed' && this.#predictor.learnHour()) this.#learnSoon()
      else this.#isLearning = false
    })
  }

  /** A save would replace what another service has learned. */
  #foreign(other: string): ForewarmError {
    this.#state = 'closed'
    const { prediction, node } = this.#options.config
    return new ForewarmError(
      'bad-config',
      `PATTERN_STORE: expected patterns of service ${node.service}, got those of service ${other} in ${prediction.store}: give each a file of its own`,
    )
  }

  async #save(): Promise<void> {
    // An empty history must not replace a saved one.
    if (this.#predictor.history.lastHour < 0) return
    const { log } = this.#options
    try {
      const kept = (await this.#file?.save(this.#predictor.patternText(this.#options.config.node.service))) ?? []
      if (kept.length > 0)
        log.warn(
          { kept, mostKept: MOST_KEPT },
          'files that are not patterns were in the way: they have new names, and stay until somebody removes them',
        )
      this.#unsaved = undefined
    } catch (error) {
      this.#failedSaves++
      const { store } = this.#options.config.prediction
      const message = `PATTERN_STORE: the patterns could not be saved to ${store}: ${error instanceof Error ? error.message : error}`
      this.#unsaved = new ForewarmError('patterns-not-saved', message, { cause: error, retriable: true })
      log.warn({ err: error }, 'patterns could not be saved')
    }
  }
}
