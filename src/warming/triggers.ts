import { enlarged } from '../../schemas/enlarged.ts'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import { VERSIONS_PER_MS } from '../cache/cached-price.ts'
import type { FirstLevel } from '../cache/l1/first-level.ts'
import { type Usage, type WarmKind, type WarmsByKind, warmsOf } from '../cache/l1/usage.ts'
import type { PairTable } from '../cache/names/pair-table.ts'
import type { Clock } from '../clock.ts'
import { KnownReads } from '../correlation/known-reads.ts'
import { emptyRow, type MinedEdge } from '../correlation/mined/edge-rows.ts'
import { scoreOf } from '../correlation/mined/mined-edges.ts'
import type { Tracker } from '../correlation/tracker.ts'
import { type Candidate, type CandidateKind, priorityOf, type Strategy } from '../strategy/strategy.ts'
import { Throttle } from '../strategy/throttle.ts'
import { type Arm, type Arms, isArmB } from './arms/arms.ts'
import type { ControlGroup } from './control-group.ts'

/**
 * Makes a warm request from an update, for the pairs known to be read some time after it. Reads right after the update
 * are left to the look-ahead, as a request would always be late for them. A request is held (`notBeforeMs`) until a
 * warm is just in time for the read: a warm that comes too early is evicted before it.
 */
export interface TriggersOptions {
  readonly tracker: Tracker
  readonly table: Pick<PairTable, 'chainOf' | 'chainName' | 'pairName'>
  readonly l1: Pick<FirstLevel, 'has' | 'floor'> & {
    readonly usage: Pick<Usage, 'limit' | 'evictions' | 'warmCounts'>
  }
  readonly strategy: Strategy
  readonly clock: Clock
  /** The service whose nodes are asked; \`default\` unless given. */
  readonly service?: string
  /** Together with a count it makes the ids of the requests. */
  readonly nodeId: string
  /** Reads that follow sooner are left to the look-ahead; WARM_MS unless given. */
  readonly warmMs?: number
  /** How long a warm takes; it begins this long before its read. `warmMs` unless given. */
  readonly takesMs?: () => number
  /** `lagMs`: the time from now to the first read that the request is for. */
  readonly publish: (request: WarmRequest, lagMs: number) => void
  /** The hit ratio of recent reads, 0 to 1. */
  readonly hitRatio?: () => number | undefined
  /** Triggers of the second arm have another strategy, `strategyB`. */
  readonly arms?: Pick<Arms, 'areTwo' | 'cellOf'> | undefined
  readonly strategyB?: Strategy | undefined
  /** No request is made for updates of this group. */
  readonly control?: Pick<ControlGroup, 'includes'> | undefined
  /** A throttle for each kind of candidate. Kinds whose warms are read less rank lower. */
  readonly throttles?: Readonly<Record<CandidateKind, Pick<Throttle, 'allows' | 'accuracy'>>> | undefined
}

/** How long a warm takes by way of the topic, generously. */
export const WARM_MS = 20
/** How long a warm takes that a node requests of itself, generously: a millisecond of its timer and the trip to L2. */
export const LOCAL_WARM_MS = 3
/** A warm also serves the reads that are due this soon after its own, unless other reads evict it in between. */
const SERVES_MS = 50
/** S3-FIFO's queue for pairs that were read once is this share of L1: a pair leaves when so many others have come. */
const SHORTEST_QUEUE = 0.1
/** How likely a resident pair is evicted before its read if as many other reads as that queue holds come first. */
const PROBABLY_GONE = 0.9
/** A request expires this long after its last read was due. */
const EXPIRES_AFTER_MS = 1_000
/** The reason of a request may have 500 characters, so it names few pairs. */
const MAX_REASONS = 3

/** Judges the warms of a kind by what became of those before. */
export function throttleOf(usage: WarmsByKind, kind: WarmKind): Throttle {
  return new Throttle(() => warmsOf(usage, kind))
}

export class Triggers {
  readonly #options: TriggersOptions
  readonly #known = new KnownReads()
  readonly #mined = emptyRow()
  readonly #warmMs: number
  readonly #strategies: Record<Arm, Strategy>
  /** When the read is due that each pair was last requested for, by pair id. */
  #askedForMs: Float64Array<ArrayBuffer> = new Float64Array(1024)
  /** The count of expected reads at each pair's last one, by pair id. */
  #expectedAt: Float64Array<ArrayBuffer> = new Float64Array(1024)
  /** The number of reads expected so far. */
  #expected = 0
  #count = 0

  constructor(options: TriggersOptions) {
    this.#options = options
    this.#warmMs = options.warmMs ?? WARM_MS
    const { strategy, strategyB = strategy } = options
    this.#strategies = { a: strategy, b: strategyB }
  }

  /** From now on these strategies choose. */
  choose(strategy: Strategy, strategyB: Strategy = strategy): void {
    this.#strategies.a = strategy
    this.#strategies.b = strategyB
  }

  onUpdate(pairId: number, eventTimeMs: number): void {
    if (this.#options.tracker.knowsAny) this.#ask(pairId, eventTimeMs)
  }

  #ask(pairId: number, eventTimeMs: number): void {
    if (this.#options.control?.includes(pairId, eventTimeMs)) return
    const { tracker, l1, table, clock } = this.#options
    const known = this.#known
    tracker.readsAfter(pairId, known)
    const mined = tracker.minedAfter(pairId, this.#mined)
    if (known.count === 0 && mined === 0) return
    const nowMs = clock.now()
    const asks = { chainId: table.chainOf(pairId), nowMs, queue: l1.usage.limit * SHORTEST_QUEUE }
    let candidates: Candidate[] | undefined
    for (let i = 0; i < known.count; i++) {
      const read = known.pairIds[i] as number
      const lagMs = known.lagsMs[i] as number
      if (!this.#isWorthAsking(read, lagMs, asks)) continue
      candidates ??= []
      candidates.push(this.#candidate(read, known.rates[i] as number, { lagMs, kind: 'correlation', ...asks }))
    }
    for (let i = 0; i < mined; i++) {
      const edge = this.#mined[i] as MinedEdge
      const follower = edge.mark >> 1
      // If reads of the pair were attributed to the update, their counted rate says all that statistics could.
      if (known.includes(follower) || !this.#isWorthAsking(follower, edge.lagMs, asks)) continue
      candidates ??= []
      const candidate = this.#candidate(follower, scoreOf(edge), { lagMs: edge.lagMs, kind: 'prediction', ...asks })
      candidates.push({ ...candidate, reason: tracker.reasonOf(edge, nowMs) })
    }
    if (candidates === undefined) return
    const { used, unused } = l1.usage.warmCounts
    const evidence = { used, unused, hitRatio: this.#options.hitRatio?.(), eventTimeMs }
    const arms = this.#options.arms
    const arm = arms?.areTwo && isArmB(arms.cellOf(pairId)) ? 'b' : 'a'
    const { selected, reason, next } = this.#strategies[arm].select(candidates, evidence)
    if (next !== undefined) this.#strategies[arm] = next
    const { name: strategy } = this.#strategies[arm]
    for (const kind of ['correlation', 'prediction'] as const) {
      const throttle = this.#options.throttles?.[kind]
      const allowed = selected.filter((candidate) => candidate.kind === kind && (throttle?.allows() ?? true))
      for (const together of byLag(allowed)) this.#publish(pairId, together, { kind, reason, strategy })
    }
  }

  /**
   * A pair that is in L1, or requested already, needs no request if it stays until the read. It does if fewer other
   * reads come between its last read and this one than the shortest queue of L1 holds. Reads are counted and not
   * milliseconds, because a sweep requests thousands of pairs before the first of them is read.
   */
  #isWorthAsking(read: number, lagMs: number, { chainId, nowMs, queue }: Asks): boolean {
    const { table, l1 } = this.#options
    if (lagMs < this.#warmMs || table.chainOf(read) !== chainId) return false
    const between = this.#expect(read)
    const isThere = l1.has(read)
    if (l1.usage.evictions === 0 && isThere) return false
    return between >= queue || !(isThere || nowMs + lagMs < (this.#askedForMs[read] as number) + SERVES_MS)
  }

  /** Counts a read of the pair as expected. Returns how many others were expected since its last one. */
  #expect(pairId: number): number {
    if (pairId >= this.#expectedAt.length) this.#reserve(pairId)
    const between = this.#expected - (this.#expectedAt[pairId] as number)
    this.#expectedAt[pairId] = ++this.#expected
    return between
  }

  #candidate(
    pairId: number,
    score: number,
    { lagMs, kind, nowMs }: Asks & { readonly lagMs: number; readonly kind: CandidateKind },
  ): Candidate {
    const { l1, throttles } = this.#options
    const isRead = score * (throttles?.[kind].accuracy ?? 1)
    const movedAgoMs = nowMs - l1.floor(pairId) / VERSIONS_PER_MS
    return { pairId, score, lagMs, kind, movedAgoMs, benefit: l1.has(pairId) ? isRead * PROBABLY_GONE : isRead }
  }

  #publish(trigger: number, selected: readonly Candidate[], why: Why): void {
    const { table, clock, service, nodeId, publish } = this.#options
    const nowMs = clock.now()
    const soonestMs = selected[0]?.lagMs ?? 0
    const latestMs = selected.at(-1)?.lagMs ?? 0
    for (const { pairId, lagMs } of selected) this.#asked(pairId, nowMs + lagMs)
    const request: WarmRequest = {
      v: 1,
      requestId: `${nodeId}-${++this.#count}`,
      ...(service !== undefined && { service }),
      chain: table.chainName(table.chainOf(trigger)),
      pairs: selected.map(({ pairId }) => table.pairName(pairId)),
      origin: why.kind,
      strategy: why.strategy,
      triggerPair: table.pairName(trigger),
      priority: selected.some(({ score }) => priorityOf(score) === 'high') ? 'high' : 'medium',
      reason: [why.reason, ...reasonsOf(selected)].join('; '),
      scores: selected.map(({ score }) => score),
      issuedAtMs: nowMs,
      notBeforeMs: nowMs + soonestMs - (this.#options.takesMs?.() ?? this.#warmMs),
      expiresAtMs: nowMs + latestMs + EXPIRES_AFTER_MS,
    }
    publish(request, soonestMs)
  }

  #asked(pairId: number, dueMs: number): void {
    this.#askedForMs[pairId] = dueMs
  }

  #reserve(pairId: number): void {
    const pairs = pairId * 2
    this.#askedForMs = enlarged(this.#askedForMs, new Float64Array(pairs))
    this.#expectedAt = enlarged(this.#expectedAt, new Float64Array(pairs))
  }
}

interface Why {
  readonly kind: CandidateKind
  readonly reason: string
  /** The name of the strategy. */
  readonly strategy: string
}

/** The facts that the candidates of one update have in common. */
interface Asks {
  readonly chainId: number
  readonly nowMs: number
  /** So many other reads evict a pair that was read once. */
  readonly queue: number
}

function reasonsOf(selected: readonly Candidate[]): readonly string[] {
  return selected.flatMap(({ reason }) => (reason === undefined ? [] : [reason])).slice(0, MAX_REASONS)
}

/** Groups the pairs that are due within the time of one warm, the soonest first: each group becomes a request. */
function byLag(selected: readonly Candidate[]): readonly (readonly Candidate[])[] {
  const groups: Candidate[][] = []
  for (const candidate of selected.toSorted((a, b) => a.lagMs - b.lagMs)) {
    const group = groups.at(-1)
    if (group !== undefined && candidate.lagMs - (group[0]?.lagMs ?? 0) <= WARM_MS) group.push(candidate)
    else groups.push([candidate])
  }
  return groups
}
