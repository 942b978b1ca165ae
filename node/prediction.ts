import type { PairTable } from '../src/cache/names/pair-table.ts'
import type { Clock } from '../src/clock.ts'
import { argument } from '../src/config/argument.ts'
import { integer, wholeFromZero } from '../src/config/check.ts'
import type { Config } from '../src/config/settings.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { PatternFile } from '../src/patterns/pattern-file.ts'
import type { AccessPattern } from '../src/prediction/pattern.ts'
import type { PatternsDocument } from '../src/prediction/patterns-document.ts'
import { FARTHEST_HOURS, Predictor, type PredictorStats } from '../src/prediction/predictor.ts'
import type { Kind } from '../src/prediction/proposal.ts'
import type { Log } from '../src/telemetry/log.ts'
import { systemTimer, type Timer } from '../src/timer.ts'

/** A pair that history says will be read. */
export interface Recommendation {
  readonly chain: string
  readonly pair: string
  readonly kind: Kind
  /** 0 to 1. */
  readonly confidence: number
  readonly reason: string
}

export interface RecommendationOptions {
  /** A whole number up to 24; one unless given. */
  readonly lookAheadHours?: number
  /** At most so many, a whole number; 100 unless given. */
  readonly limit?: number
}

/** How a pair is read. */
export interface NamedPattern extends AccessPattern {
  readonly chain: string
  readonly pair: string
}

/** What a node's own reads say will be read, with names; and its memory of them, on disk where it has a place. */
export interface NodePredictor {
  /** Throws a ForewarmError 'bad-value' for options that are out of range. */
  recommendations(options?: RecommendationOptions): readonly Recommendation[]
  /** Undefined where the pair was not read. */
  pattern(chain: string, pair: string): AccessPattern | undefined
  /** Of the pairs read most lately, the most first; 100 unless told otherwise. Throws a ForewarmError 'bad-value' for a limit that is none. */
  patterns(limit?: number): readonly NamedPattern[]
  stats(): PredictorStats
  exportPatterns(): PatternsDocument
  /** What `exportPatterns` gave, here or elsewhere; what is wrong with it, or for how many pairs there was no room. */
  importPatterns(document: unknown): { readonly refused: number } | { readonly problem: string }
}

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
  readonly #timer: Timer
  #cancel: (() => void) | undefined
  #state: 'made' | 'running' | 'closed' = 'made'

  constructor(options: NodePredictionOptions) {
    this.#options = options
    this.#timer = options.timer ?? systemTimer
    const { config, table } = options
    this.#predictor = new Predictor({
      maxPairs: config.correlation.maxTrackedPairs,
      historyHours: config.prediction.historyHours,
      namesOf: (pairId) => ({
        chain: table.chainName(table.chainOf(pairId)),
        pair: table.pairName(pairId),
        group: table.groupOf(pairId),
      }),
      idOf: ({ chain, pair, group }) => {
        const pairId = table.ask(chain, pair)
        if (pairId >= 0 && group !== undefined) table.setGroup(pairId, group)
        return pairId
      },
    })
    this.#file = config.prediction.store === undefined ? undefined : new PatternFile(config.prediction.store)
  }

  /** Reads of pairs while MAX_TRACKED_PAIRS others were read in the hours remembered, or longer ago than these. */
  get notRemembered(): number {
    return this.#predictor.history.refused + this.#predictor.history.late
  }

  /** Pairs that made room for others. */
  get recycled(): number {
    return this.#predictor.history.recycled
  }

  /** Hours of pairs for which there was no room in the forecast. */
  get notForecast(): number {
    return this.#predictor.notForecast
  }

  /** For each read of a detector; undefined where nothing is to be learned. */
  get onRead(): ((pairId: number, atMs: number) => void) | undefined {
    if (!this.#options.config.prediction.enabled) return undefined
    return (pairId, atMs) => this.#predictor.recordAccess(pairId, atMs)
  }

  /**
   * Restores what was saved; a file that is no good is told of and left, the node begins anew. Rejects with `bad-config`
   * where nothing can be saved.
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
    let refused = 0
    const { from, problems } = await this.#file.restore((document) => {
      const outcome = this.importPatterns(document)
      if ('problem' in outcome) return outcome.problem
      refused = outcome.refused
      return undefined
    })
    for (const problem of problems) log.warn({ problem }, 'patterns could not be restored')
    if (from !== undefined) log.info({ from, refused }, 'patterns restored')
    this.#saveLater()
  }

  /** Saves. Twice is once. */
  async close(): Promise<void> {
    const wasRunning = this.#state === 'running'
    this.#state = 'closed'
    this.#cancel?.()
    if (wasRunning) await this.#save()
  }

  recommendations({ lookAheadHours = 1, limit = LIMIT }: RecommendationOptions = {}): readonly Recommendation[] {
    const { table, clock } = this.#options
    const nowMs = clock.now()
    const accepted = {
      lookAheadHours: argument('lookAheadHours', lookAheadHours, HOURS),
      limit: argument('limit', limit, wholeFromZero),
    }
    this.#predictor.tell(nowMs)
    return this.#predictor.recommendations(nowMs, accepted).map(({ pairId, kind, confidence, reason }) => ({
      ...{ chain: table.chainName(table.chainOf(pairId)), pair: table.pairName(pairId) },
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
      const names = { chain: table.chainName(table.chainOf(pairId)), pair: table.pairName(pairId) }
      return pattern === undefined ? [] : [{ ...names, ...pattern }]
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
    return this.#predictor.importPatterns(document, this.#options.clock.now())
  }

  #saveLater(): void {
    if (this.#state !== 'running') return
    this.#cancel = this.#timer(SAVE_MS, () => void this.#save().then(() => this.#saveLater()))
  }

  async #save(): Promise<void> {
    // What was saved before is worth more than that nothing was read since.
    if (this.#predictor.history.lastHour < 0) return
    try {
      await this.#file?.save(this.#predictor.patternText())
    } catch (error) {
      this.#options.log.warn({ err: error }, 'patterns could not be saved')
    }
  }
}
