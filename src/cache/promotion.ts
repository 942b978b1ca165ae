import type { Context } from '@opentelemetry/api'
import type { WarmOutcome } from '../../schemas/warm-result.ts'
import { ChainCounters } from '../telemetry/by-chain.ts'
import type { Labels, Metrics } from '../telemetry/slab.ts'
import { endFailed, Spans } from '../telemetry/spans.ts'
import { systemTimer, type Timer } from '../timer.ts'
import { type CachedPrice, emptyPrice } from './cached-price.ts'
import type { FirstLevel } from './l1/first-level.ts'
import { CELLS, cellOfCode, indexOfWarmKind, kindOfCode, WARM_KINDS } from './l1/usage.ts'
import type { L2, L2Load } from './l2/l2.ts'
import type { WriteBehind } from './l2/write-behind.ts'
import type { PairTable } from './names/pair-table.ts'

export interface PromotionOptions {
  readonly table: PairTable
  readonly l1: Pick<FirstLevel, 'has' | 'expect' | 'floor' | 'promote'>
  readonly l2: Pick<L2, 'load'>
  /** Values that L2 does not have yet are read from here, so that a node reads what it wrote. */
  readonly writeBehind: Pick<WriteBehind, 'pending'>
  readonly metrics: Metrics
  /** The deadline of a promotion; 50 unless given. */
  readonly timeoutMs?: number
  readonly timer?: Timer
  readonly spans?: Spans
  /** Whether warms of a kind, a place in WARM_KINDS, are kept out of L1 at the moment, also those that are under way. */
  readonly keepsOut?: (kind: number) => boolean
}

export interface PromoteOptions {
  /** Replaces the deadline of the promotion's options. */
  readonly timeoutMs?: number
  /** Leaves L1 as it is; the outcomes say what would have been done. */
  readonly dryRun?: boolean
  /** Who asked for the pair, as a place in WARM_KINDS or a `warmCode`; the look-ahead unless given. */
  readonly kindIndexOf?: (pairId: number) => number
  /** The traces that the trip is part of, one for each request that it serves. */
  readonly traces?: readonly Context[]
}

export type PromotionOutcome = Exclude<WarmOutcome, 'notInterested'>

const FAILURES = ['l2-away', 'unknown', 'rollout'] as const
/** Why a pair could not be promoted: L2 was away, or did not know of this pair in time, or the rollout keeps the warm out. */
type Failure = (typeof FAILURES)[number]
/** An outcome with its reason, if it failed. */
type Told = Exclude<PromotionOutcome, 'failed'> | Failure

export interface Promoted {
  /** In the order of the pair ids; `failed` if L2 could not be asked or did not answer in time. */
  readonly outcomes: readonly PromotionOutcome[]
  readonly timedOut: boolean
  /** Why L2 was away; undefined if it was not. */
  readonly unavailable: string | undefined
}

const TIMEOUT_MS = 50
/** The assumed duration of a trip before the first was measured. */
const FIRST_TYPICAL_MS = 1
const TYPICAL_WEIGHT = 1 / 16
const LOOK_AHEAD = indexOfWarmKind('look-ahead')

/**
 * Brings pairs into L1, by one trip to L2 for those that are neither in L1 nor in the write-behind. Every value passes L1's
 * version gate. Values that come after the deadline go into L1, too, and are counted as late.
 */
export class Promotion {
  /** Pairs asked for, in L1 already, missed by a read while they were in flight, and asked for in L2. */
  readonly tally = { asked: 0, alreadyInL1: 0, late: 0, loaded: 0 }
  /** The late ones by who asked for them, in the order of WARM_KINDS. */
  readonly lateByKind: number[] = WARM_KINDS.map(() => 0)
  /** Pairs asked for in L2, by the cell of the trigger. Those of requests that no strategy chose are in none. */
  readonly loadedByCell: number[] = Array.from({ length: CELLS }, () => 0)
  /** How long a trip to L2 takes, in milliseconds: a moving average. */
  typicalMs = FIRST_TYPICAL_MS
  /** The deadline of a promotion that has none of its own, in milliseconds. */
  timeoutMs: number
  readonly #options: PromotionOptions
  readonly #spans: Spans
  readonly #timer: Timer
  readonly #pending = emptyPrice()
  /** Pairs in flight, each with the kind that asked; `#missed` are those that a read has missed meanwhile. */
  readonly #underWay = new Map<number, number>()
  readonly #missed = new Set<number>()
  readonly #loads: ChainCounters
  readonly #counters = new Map<string, ChainCounters>()

  constructor(options: PromotionOptions) {
    this.#options = options
    this.timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    this.#loads = this.#byChain('cache_loads_total', { cause: 'warm', cache_level: 'L2' })
    this.#spans = options.spans ?? new Spans()
    this.#timer = options.timer ?? systemTimer
  }

  /** Resolves at the deadline at the latest; never rejects. */
  async promote(pairIds: readonly number[], options: PromoteOptions = {}): Promise<Promoted> {
    const known = pairIds.map((pairId) => this.#withoutTrip(pairId, options))
    const missing = pairIds.filter((_, at) => known[at] === undefined)
    const load = missing.length === 0 ? NOTHING_ASKED : await this.#load(missing, options)
    // At the deadline nothing is counted: late values are counted when they come.
    const placed = load === undefined ? [] : this.#place(missing, load, options)
    if (load !== undefined && missing.length > 0) this.#options.table.holds.letGo(missing)
    let next = 0
    return {
      outcomes: known.map((outcome) => outcome ?? placed[next++] ?? 'failed'),
      timedOut: load === undefined,
      unavailable: load?.status === 'unavailable' ? load.reason : undefined,
    }
  }

  /** A demand read missed the pair. */
  missed(pairId: number): void {
    const code = this.#underWay.get(pairId)
    if (code === undefined || this.#missed.has(pairId)) return
    const kind = kindOfCode(code)
    this.#missed.add(pairId)
    this.tally.late++
    this.lateByKind[kind] = (this.lateByKind[kind] ?? 0) + 1
  }

  forgetChain(chainId: number): void {
    this.#loads.forget(chainId)
    for (const counters of this.#counters.values()) counters.forget(chainId)
  }

  #withoutTrip(pairId: number, options: PromoteOptions): PromotionOutcome | undefined {
    const { l1, writeBehind } = this.#options
    // A pair that is asked for now is read soon, and must not be the next to be evicted.
    if (options.dryRun ? l1.has(pairId) : l1.expect(pairId)) {
      if (!options.dryRun) this.tally.alreadyInL1++
      return this.#counted(pairId, 'alreadyInL1', options)
    }
    if (!writeBehind.pending(pairId, this.#pending)) return undefined
    return this.#counted(pairId, this.#gate(pairId, this.#pending, options), options)
  }

  /** Resolves to L2's answer, or to undefined at the deadline. Whoever has taken the answer in lets the ids go. */
  #load(pairIds: readonly number[], options: PromoteOptions): Promise<L2Load | undefined> {
    const { l2, table } = this.#options
    if (!options.dryRun) {
      this.tally.loaded += pairIds.length
      for (const pairId of pairIds) {
        this.#loads.at(table.chainOf(pairId)).add(1)
        const code = options.kindIndexOf?.(pairId) ?? LOOK_AHEAD
        const cell = cellOfCode(code)
        if (cell !== undefined) this.loadedByCell[cell] = (this.loadedByCell[cell] ?? 0) + 1
        this.#underWay.set(pairId, code)
      }
    }
    const spans = options.traces?.map((parent) => this.#spans.load(pairIds.length, parent)) ?? []
    const { promise, resolve } = Promise.withResolvers<L2Load | undefined>()
    let expired = false
    const expire = () => {
      expired = true
      resolve(undefined)
    }
    let turn: NodeJS.Immediate | undefined
    // On a busy thread the answer may lie in the socket already: it is read before immediates run.
    const cancelTimer = this.#timer(options.timeoutMs ?? this.timeoutMs, () => {
      turn = setImmediate(expire)
    })
    const cancel = () => {
      cancelTimer()
      clearImmediate(turn)
    }
    const startMs = performance.now()
    table.holds.hold(pairIds)
    void l2.load(pairIds).then((load) => {
      cancel()
      if (load.status !== 'unavailable')
        this.typicalMs += (performance.now() - startMs - this.typicalMs) * TYPICAL_WEIGHT
      for (const pairId of pairIds) {
        this.#underWay.delete(pairId)
        this.#missed.delete(pairId)
      }
      for (const span of spans) load.status === 'unavailable' ? endFailed(span, load.reason) : span.end()
      if (!expired) return resolve(load)
      this.#late(pairIds, load, options)
      table.holds.letGo(pairIds)
    })
    return promise
  }

  #place(pairIds: readonly number[], load: L2Load, options: PromoteOptions): PromotionOutcome[] {
    const spans = options.traces?.map((parent) => this.#spans.promote(pairIds.length, parent)) ?? []
    const outcomes = this.#outcomes(pairIds, load, options)
    const counted = outcomes.map((outcome, at) => this.#counted(pairIds[at] as number, outcome, options))
    const warmed = outcomes.filter((outcome) => outcome === 'warmed').length
    for (const span of spans) span.setAttribute('forewarm.warmed', warmed).end()
    return counted
  }

  #late(pairIds: readonly number[], load: L2Load, options: PromoteOptions): void {
    for (const [at, outcome] of this.#outcomes(pairIds, load, options).entries())
      this.#count(pairIds[at] as number, outcome === 'warmed' ? 'late' : outcome, options)
  }

  #outcomes(pairIds: readonly number[], load: L2Load, options: PromoteOptions): Told[] {
    return pairIds.map((pairId, at) => {
      if (load.status === 'unavailable') return 'l2-away'
      if (load.unknown?.has(at)) return 'unknown'
      const row = load.rows[at]
      return row === undefined ? 'notFound' : this.#gate(pairId, row, options)
    })
  }

  #gate(pairId: number, price: Readonly<CachedPrice>, options: PromoteOptions): Told {
    const { l1 } = this.#options
    if (options.dryRun) return price.version < l1.floor(pairId) ? 'refusedOlder' : 'warmed'
    const kind = options.kindIndexOf?.(pairId) ?? LOOK_AHEAD
    if (this.#options.keepsOut?.(kind) === true) return 'rollout'
    const outcome = l1.promote(pairId, price, kind)
    switch (outcome) {
      case 'warmed':
        return 'warmed'
      case 'already':
        return 'alreadyInL1'
      case 'older':
        return 'refusedOlder'
      case 'no-room':
        return 'noRoom'
    }
  }

  #byChain(name: string, labels: Labels): ChainCounters {
    const { metrics, table } = this.#options
    return new ChainCounters({ metrics, chainName: (chainId) => table.chainName(chainId) }, name, labels)
  }

  #counted(pairId: number, told: Told, options: PromoteOptions): PromotionOutcome {
    this.#count(pairId, told, options)
    return isFailure(told) ? 'failed' : told
  }

  #count(pairId: number, told: Told | 'late', options: PromoteOptions): void {
    if (options.dryRun) return
    this.tally.asked++
    let counters = this.#counters.get(told)
    if (counters === undefined) {
      const labels: Labels = isFailure(told) ? { outcome: 'failed', reason: told } : { outcome: told }
      counters = this.#byChain('promotions_total', labels)
      this.#counters.set(told, counters)
    }
    counters.at(this.#options.table.chainOf(pairId)).add(1)
  }
}

function isFailure(told: Told | 'late'): told is Failure {
  return (FAILURES as readonly string[]).includes(told)
}

const NOTHING_ASKED: L2Load = { status: 'loaded', rows: [] }
