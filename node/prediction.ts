import { randomUUID } from 'node:crypto'
import type { ProposingStrategy } from '../schemas/warm-request.ts'
import type { PairTable } from '../src/cache/names/pair-table.ts'
import { type Clock, isVirtual } from '../src/clock.ts'
import { argument } from '../src/config/argument.ts'
import { integer, wholeFromZero } from '../src/config/check.ts'
import { assertOptions } from '../src/config/options.ts'
import type { Config } from '../src/config/settings.ts'
import { RedisHashes } from '../src/patterns/day-hashes.ts'
import { FilePatterns } from '../src/patterns/file-patterns.ts'
import type { PatternStore } from '../src/patterns/pattern-store.ts'
import { SharedPatterns, type SharedPatternsOptions } from '../src/patterns/shared-patterns.ts'
import { HOUR_MS } from '../src/prediction/access-history.ts'
import type {
  NamedPattern,
  NodePredictor,
  Recommendation,
  RecommendationOptions,
} from '../src/prediction/node-predictor.ts'
import type { AccessPattern } from '../src/prediction/pattern.ts'
import type { PairNames, PatternsDocument } from '../src/prediction/patterns-document.ts'
import { FARTHEST_HOURS, Predictor, type PredictorStats } from '../src/prediction/predictor.ts'
import type { Proposal } from '../src/prediction/proposal.ts'
import { worthwhile } from '../src/prediction/worthwhile.ts'
import type { Timed } from '../src/schedules/course.ts'
import { ScheduleEngine } from '../src/schedules/engine.ts'
import { cron } from '../src/schedules/timing.ts'
import type { Log } from '../src/telemetry/log.ts'
import { systemTimer, type Timer } from '../src/timer.ts'

export interface NodePredictionOptions {
  readonly config: Config
  readonly table: PairTable
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly timer?: Timer
}

/** How far a prediction looks back and ahead, and the most pairs that it gives. */
export interface ProposalOptions {
  readonly limit: number
  readonly lookAheadHours: number
  readonly windowHours: number
  /** Leaves out what does not pay to be warmed. */
  readonly onlyWorthwhile?: boolean
}

/** PATTERN_STORE when all nodes of the service share their patterns. */
const SHARED = 'redis'
/** The others tell what they have read within half an hour. */
const SETTLE_HOURS = 1

const LIMIT = 100
/** At midnight, UTC: each node for itself drops hours that it no longer needs, even if nothing is read any more. */
const CLEANUP: Timed = { name: 'cleanup', timing: cron('0 0 * * *') }
const HALF_HOUR_MS = HOUR_MS / 2
const HOURS = integer(1, FARTHEST_HOURS)

export class NodePrediction implements NodePredictor {
  readonly #options: NodePredictionOptions
  readonly #predictor: Predictor
  /** Undefined when patterns are not stored. */
  readonly store: PatternStore | undefined
  readonly #cleanup: ScheduleEngine<Timed, void>
  #isLearning = false
  #isClosed = false

  constructor(options: NodePredictionOptions) {
    this.#options = options
    const { config, table, clock } = options
    const isShared = config.prediction.store === SHARED
    const naming = {
      maxPairs: config.correlation.maxTrackedPairs,
      historyHours: config.prediction.historyHours,
      namesOf: (pairId: number) => ({ ...table.namesOf(pairId), group: table.groupOf(pairId) }),
      idOf: ({ chain, pair, group }: PairNames) => {
        const pairId = table.ask(chain, pair)
        if (pairId >= 0 && group !== undefined) table.setGroup(pairId, group)
        return pairId
      },
    }
    this.#predictor = new Predictor({ ...naming, settleHours: isShared ? SETTLE_HOURS : 0 })
    this.#cleanup = new ScheduleEngine({
      ...{ schedules: [CLEANUP], clock, timer: options.timer ?? systemTimer },
      run: async () => this.#predictor.tell(clock.now()),
    })
    // What a replay reads is nothing for other nodes to learn from.
    if (!isShared || !isVirtual(clock)) this.store = this.#createStore(naming)
  }

  /** Reads that were not counted: all MAX_TRACKED_PAIRS places were taken, or the read was older than the history. */
  get notRemembered(): number {
    return this.#predictor.history.refusedReads + this.#predictor.history.late
  }

  /** Pairs whose place was given to another pair. */
  get recycled(): number {
    return this.#predictor.history.recycled
  }

  /** Hours that were not forecast because the forecast's table was full. */
  get notForecast(): number {
    return this.#predictor.notForecast
  }

  forget(pairId: number): void {
    this.#predictor.history.forget(pairId)
    this.store?.forget?.(pairId)
  }

  /** Called with each read of a detector. Undefined when prediction is off. */
  get onRead(): ((pairId: number, atMs: number) => void) | undefined {
    if (!this.#options.config.prediction.enabled) return undefined
    return (pairId, atMs) => {
      this.#predictor.recordAccess(pairId, atMs)
      this.store?.onRead?.(pairId, atMs)
    }
  }

  /** Takes what is stored. Rejects with `bad-config` when PATTERN_STORE cannot be written to. */
  async start(): Promise<void> {
    await this.store?.start()
    if (!this.#isClosed) this.#cleanup.start()
  }

  /** Stores the history. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cleanup.stop()
    await this.store?.close()
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

  /** The surest pairs by one kind of prediction alone. */
  proposals(strategy: ProposingStrategy, options: ProposalOptions): readonly Recommendation[] {
    const { table, clock } = this.#options
    const nowMs = clock.now()
    this.#predictor.tell(nowMs)
    const proposed = this.#proposed(strategy, nowMs, options)
    const { history } = this.#predictor
    const chosen = options.onlyWorthwhile ? worthwhile(proposed, { history, strategy, nowMs }) : proposed
    return chosen.map(({ pairId, kind, confidence, reason }) => ({
      ...table.namesOf(pairId),
      ...{ kind, confidence, reason },
    }))
  }

  #proposed(strategy: ProposingStrategy, nowMs: number, options: ProposalOptions): readonly Proposal[] {
    const { limit, lookAheadHours, windowHours } = options
    const predictor = this.#predictor
    // At the full hour, the hour that begins is the one to come.
    const nearest = nowMs - HALF_HOUR_MS
    switch (strategy) {
      case 'popular':
        return predictor.popular(nowMs, limit)
      case 'trending':
        return predictor.trending(nowMs, { limit, windowHours })
      case 'time_of_day':
        return predictor.timeOfDay(nearest, { limit, lookAheadHours })
      case 'market_open':
        return predictor.sessions(nowMs, { limit, lookAheadHours })
      case 'sector_rotation':
        return predictor.sectorRotation(nowMs, limit)
      case 'pattern':
        return predictor.forecast(nearest, { limit, hours: lookAheadHours })
    }
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
    const { store } = this
    const outcome = this.#predictor.addPatterns(document, this.#options.clock.now(), store?.onImported?.bind(store))
    if (!('problem' in outcome)) this.#learnSoon()
    return outcome
  }

  #createStore(naming: Pick<SharedPatternsOptions, 'maxPairs' | 'historyHours' | 'namesOf' | 'idOf'>) {
    const { config, clock, log, timer, random } = this.#options
    const { service } = config.node
    const { store: path } = config.prediction
    if (path === undefined) return undefined
    const options = { predictor: this.#predictor, service, clock, log, timer }
    if (path !== SHARED) return new FilePatterns({ ...options, path })
    return new SharedPatterns({
      ...{ ...options, ...naming, random },
      name: randomUUID(),
      hashes: new RedisHashes({ urls: config.cache.redisUrls, service }),
      onLoaded: () => this.#learnSoon(),
    })
  }

  /** An hour in a turn of the event loop: a week of many pairs at once would hold it for hundreds of milliseconds. */
  #learnSoon(): void {
    if (this.#isLearning) return
    this.#isLearning = true
    setImmediate(() => this.#learnOn())
  }

  #learnOn(): void {
    if (!this.#isClosed && this.#predictor.learnHour()) setImmediate(() => this.#learnOn())
    else this.#isLearning = false
  }
}
