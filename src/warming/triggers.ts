import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { FirstLevel } from '../cache/first-level.ts'
import type { PairTable } from '../cache/pair-table.ts'
import { VERSIONS_PER_MS } from '../cache/price-record.ts'
import type { Usage } from '../cache/usage.ts'
import type { Clock } from '../clock.ts'
import { emptyRow, type MinedEdge } from '../correlation/edge-rows.ts'
import { scoreOf } from '../correlation/mined-edges.ts'
import { KnownReads, type Tracker } from '../correlation/tracker.ts'
import type { Candidate, Strategy } from '../strategy/strategy.ts'
import type { Throttle } from '../strategy/throttle.ts'
import type { ControlGroup } from './control-group.ts'
import { Residence } from './residence.ts'

/**
 * An update -> a warm request for the pairs known to be read some time after it. Reads right after the update are the
 * look-ahead's: a request sent at the update would always be late for them. A request is held (`notBeforeMs`) until a
 * warm just makes it: one too early is pushed out before its read.
 */
export interface TriggersOptions {
  readonly tracker: Tracker
  readonly table: Pick<PairTable, 'chainOf' | 'chainName' | 'pairName'>
  readonly l1: Pick<FirstLevel, 'has' | 'floor'> & { readonly usage: Pick<Usage, 'warmLimit' | 'warmCounts'> }
  readonly strategy: Strategy
  readonly clock: Clock
  /** Names the requests, together with a count. */
  readonly nodeId: string
  /** What a warm takes, from the request to the value in L1; WARM_MS unless given. */
  readonly warmMs?: number
  /** False: a read is asked for also where the pair is probably there still. More requests, fewer misses; true unless given. */
  readonly sparing?: boolean
  readonly publish: (request: WarmRequest) => void
  /** Of the reads of late, 0 to 1. */
  readonly hitRatio?: () => number | undefined
  /** Updates for which nothing is asked. */
  readonly control?: Pick<ControlGroup, 'includes'> | undefined
  /** Keeps what nobody reads from being asked for. */
  readonly throttle?: Pick<Throttle, 'allows'> | undefined
}

/** What a warm takes through the topic and back, generously; reads sooner after their update are the look-ahead's. */
export const WARM_MS = 20
/** A warm serves the reads that are due within this of its own, unless it is pushed out sooner. */
const SERVES_MS = 50
/** After its read was due, a request is worth nothing. */
const EXPIRES_AFTER_MS = 1_000
const CONFIDENT = 0.7
/** A request's reason is of 500 characters at most. */
const MAX_REASONS = 3

export class Triggers {
  readonly #options: TriggersOptions
  readonly #known = new KnownReads()
  readonly #mined = emptyRow()
  readonly #warmMs: number
  readonly #residence: Residence
  /** By pair id: when the read is due that it was last asked for. */
  #askedForMs = new Float64Array(1024)
  #count = 0

  constructor(options: TriggersOptions) {
    this.#options = options
    this.#warmMs = options.warmMs ?? WARM_MS
    this.#residence = new Residence(() => options.l1.usage)
  }

  onUpdate(pairId: number, eventTimeMs: number): void {
    if (this.#options.control?.includes(pairId, eventTimeMs)) return
    const { tracker, l1, table, clock, strategy } = this.#options
    const known = this.#known
    tracker.readsAfter(pairId, known)
    const mined = tracker.minedAfter(pairId, this.#mined)
    if (known.count === 0 && mined === 0) return
    const nowMs = clock.now()
    const staysMs = this.#residence.at(nowMs)
    const asks = { chainId: table.chainOf(pairId), nowMs, staysMs, servesMs: Math.min(SERVES_MS, staysMs / 2) }
    let candidates: Candidate[] | undefined
    for (let i = 0; i < known.count; i++) {
      const read = known.pairIds[i] as number
      const lagMs = known.lagsMs[i] as number
      if (!this.#isWorthAsking(read, lagMs, asks)) continue
      candidates ??= []
      candidates.push(this.#candidate(read, known.rates[i] as number, { lagMs, ...asks }))
    }
    for (let i = 0; i < mined; i++) {
      const edge = this.#mined[i] as MinedEdge
      const follower = edge.event >> 1
      // A read that is known for certain to follow needs no statistics.
      if (!this.#isWorthAsking(follower, edge.lagMs, asks) || known.includes(follower)) continue
      candidates ??= []
      const candidate = this.#candidate(follower, scoreOf(edge), { lagMs: edge.lagMs, ...asks })
      candidates.push({ ...candidate, reason: tracker.reasonOf(edge, nowMs) })
    }
    if (candidates === undefined) return
    const { used, unused } = l1.usage.warmCounts
    const { selected, reason } = strategy.select(candidates, { used, unused, hitRatio: this.#options.hitRatio?.() })
    const { throttle } = this.#options
    const allowed = throttle === undefined ? selected : selected.filter(() => throttle.allows())
    for (const together of byLag(allowed)) this.#publish(pairId, together, reason)
  }

  #isWorthAsking(read: number, lagMs: number, { chainId, nowMs, staysMs, servesMs }: Asks): boolean {
    const { table, l1, sparing = true } = this.#options
    if (lagMs < this.#warmMs || table.chainOf(read) !== chainId) return false
    // What is there now is there still when it is read, unless it is pushed out before.
    if (sparing && lagMs < staysMs && l1.has(read)) return false
    return !sparing || nowMs + lagMs >= this.#askedFor(read) + servesMs
  }

  #candidate(pairId: number, score: number, { lagMs, nowMs, staysMs }: Asks & { readonly lagMs: number }): Candidate {
    const { l1 } = this.#options
    // The chance that what L1 has now is gone by then: warms leave evenly, so one in stays falls to each of them.
    const absent = l1.has(pairId) ? 1 - Math.exp(-lagMs / staysMs) : 1
    const movedAgoMs = nowMs - l1.floor(pairId) / VERSIONS_PER_MS
    return { pairId, score, lagMs, movedAgoMs, benefit: score * absent }
  }

  #publish(trigger: number, selected: readonly Candidate[], reason: string): void {
    const { table, clock, strategy, nodeId, publish } = this.#options
    const nowMs = clock.now()
    const soonestMs = selected[0]?.lagMs ?? 0
    const latestMs = selected.at(-1)?.lagMs ?? 0
    for (const { pairId, lagMs } of selected) this.#asked(pairId, nowMs + lagMs)
    publish({
      v: 1,
      requestId: `${nodeId}-${++this.#count}`,
      chain: table.chainName(table.chainOf(trigger)),
      pairs: selected.map(({ pairId }) => table.pairName(pairId)),
      origin: 'correlation',
      strategy: strategy.name,
      triggerPair: table.pairName(trigger),
      priority: selected.some(({ score }) => score >= CONFIDENT) ? 'high' : 'medium',
      reason: [reason, ...reasonsOf(selected)].join('; '),
      scores: selected.map(({ score }) => score),
      issuedAtMs: nowMs,
      notBeforeMs: nowMs + soonestMs - this.#warmMs,
      expiresAtMs: nowMs + latestMs + EXPIRES_AFTER_MS,
    })
  }

  #askedFor(pairId: number): number {
    return this.#askedForMs[pairId] ?? 0
  }

  #asked(pairId: number, dueMs: number): void {
    if (pairId >= this.#askedForMs.length) {
      const larger = new Float64Array(pairId * 2)
      larger.set(this.#askedForMs)
      this.#askedForMs = larger
    }
    this.#askedForMs[pairId] = dueMs
  }
}

/** What is true of the update that asks. */
interface Asks {
  readonly chainId: number
  readonly nowMs: number
  /** How long a warm stays unread, and for how long after it is due it serves other reads. */
  readonly staysMs: number
  readonly servesMs: number
}

function reasonsOf(selected: readonly Candidate[]): readonly string[] {
  return selected.flatMap(({ reason }) => (reason === undefined ? [] : [reason])).slice(0, MAX_REASONS)
}

/** Pairs that are due within the time of one warm travel together, the soonest first; others in a request of their own. */
function byLag(selected: readonly Candidate[]): readonly (readonly Candidate[])[] {
  const groups: Candidate[][] = []
  for (const candidate of selected.toSorted((a, b) => a.lagMs - b.lagMs)) {
    const group = groups.at(-1)
    if (group !== undefined && candidate.lagMs - (group[0]?.lagMs ?? 0) <= WARM_MS) group.push(candidate)
    else groups.push([candidate])
  }
  return groups
}
