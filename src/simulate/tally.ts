import { type Usage, WARM_KINDS, type WarmCounts, WarmTally } from '../cache/l1/usage.ts'
import { NO_PAIR, type Policy } from './policies/policy.ts'

/** Totals of a simulation. */
export interface Counts {
  reads: number
  hits: number
  /** Pairs that the warming asked for, resident or not. */
  requests: number
  /** Requests for pairs that were resident already. */
  redundant: number
  /** Requests whose pair was read, and missed, while the value was on its way. */
  late: number
  /** Values read from L2 for requests, whether they came in time or not. */
  fetched: number
  /** Values brought in ahead of a read. */
  warms: number
  /** Warms that were read before they left. */
  warmsUsed: number
  /** Warms that left unread. A policy names one evicted pair a call; others are noticed when they are read next. */
  warmsUnused: number
  /** Misses on pairs that a warm had evicted. */
  polluted: number
  /** Pairs evicted to make room. */
  evictions: number
}

/** `warmed`: a hit that would have missed without the warm. */
export type ReadOutcome = 'hit' | 'warmed' | 'missed'

/** `hitRatio` is that of the last so many reads, up to twice as many. */
const LATE_READS = 5_000
const PUSHED_OUT = 1
/** An unread warm of the first of WARM_KINDS; the marks of the other kinds follow. */
const UNREAD_WARM = 2
const TOO_LATE = 1
/** A request of the first of WARM_KINDS is on its way; the states of the other kinds follow. */
const ON_ITS_WAY = 2

/** A policy, and counts of what becomes of its reads and warms. */
export class Tally implements Pick<Usage, 'limit' | 'evictions' | 'warmCounts' | 'warmsByKind'> {
  readonly policy: Policy
  readonly counts: Counts = {
    reads: 0,
    hits: 0,
    requests: 0,
    redundant: 0,
    late: 0,
    fetched: 0,
    warms: 0,
    warmsUsed: 0,
    warmsUnused: 0,
    polluted: 0,
    evictions: 0,
  }
  /** The totals at which the recent reads begin, and those at which the newer half of them begins. */
  #before: Pick<Counts, 'reads' | 'hits'> = { reads: 0, hits: 0 }
  #latest = this.#before
  readonly #warms = new WarmTally()
  /** The state of each pair: 0, PUSHED_OUT if a warm did it, or UNREAD_WARM + the kind of its warm. */
  readonly #marks: Uint8Array
  /** The late requests of each kind, in the order of WARM_KINDS. */
  readonly lateByKind: number[] = WARM_KINDS.map(() => 0)
  /** The state of each pair's request: 0, TOO_LATE, or ON_ITS_WAY + its kind. */
  readonly #requested: Uint8Array

  constructor(policy: Policy, pairs: number) {
    this.policy = policy
    this.#marks = new Uint8Array(pairs)
    this.#requested = new Uint8Array(pairs)
  }

  /** The hit ratio of recent reads; undefined before the first read. A node has that of the last seconds. */
  get hitRatio(): number | undefined {
    const reads = this.counts.reads - this.#before.reads
    return reads === 0 ? undefined : (this.counts.hits - this.#before.hits) / reads
  }

  get limit(): number {
    return this.policy.slots
  }

  get evictions(): number {
    return this.counts.evictions
  }

  /** L1's residency counts warms itself, as in a node. For other policies these are the tally's own counts. */
  get warmCounts(): Readonly<WarmCounts> {
    return this.policy.usage?.warmCounts ?? this.#warms.all
  }

  /** The same by kind, in the order of WARM_KINDS. */
  get warmsByKind(): readonly Readonly<WarmCounts>[] {
    return this.policy.usage?.warmsByKind ?? this.#warms.byKind
  }

  read(pairId: number): ReadOutcome {
    const { counts, policy } = this
    const mark = this.#marks[pairId] as number
    const isHit = policy.read(pairId)
    if (counts.reads++ === this.#latest.reads + LATE_READS) this.#forget()
    if (isHit) {
      counts.hits++
      this.#ended(mark, 'used')
    } else {
      if (mark === PUSHED_OUT) counts.polluted++
      this.#ended(mark, 'unused')
      this.#missed(pairId)
      if (policy.evicted !== NO_PAIR) this.#evicted(policy.evicted, 0)
    }
    if (mark !== 0) this.#marks[pairId] = 0
    if (!isHit) return 'missed'
    return mark >= UNREAD_WARM ? 'warmed' : 'hit'
  }

  /** A warm that takes no time. `kind` is a place in WARM_KINDS. */
  warm(pairId: number, kind = 0): void {
    if (this.request(pairId, kind)) this.arrive(pairId, kind)
  }

  /** Asks for a pair; true if its value must be fetched: it is neither resident nor on its way. */
  request(pairId: number, kind = 0): boolean {
    this.counts.requests++
    const isThere = this.policy.has(pairId)
    if (isThere) this.counts.redundant++
    if (isThere || this.#requested[pairId] !== 0) return false
    this.#requested[pairId] = ON_ITS_WAY + kind
    return true
  }

  /** The value of a requested pair comes in. If the pair is resident by now, a read was faster. */
  arrive(pairId: number, kind = 0): void {
    const { counts, policy } = this
    counts.fetched++
    this.#requested[pairId] = 0
    if (policy.has(pairId) || !policy.warm(pairId, kind)) return
    counts.warms++
    this.#warms.count(kind, 'admitted')
    if (policy.evicted !== NO_PAIR) this.#evicted(policy.evicted, PUSHED_OUT)
    this.#mark(pairId, UNREAD_WARM + kind)
  }

  /** The value of the pair may be on its way. */
  #missed(pairId: number): void {
    const kind = (this.#requested[pairId] as number) - ON_ITS_WAY
    if (kind < 0) return
    this.counts.late++
    this.lateByKind[kind] = (this.lateByKind[kind] ?? 0) + 1
    this.#requested[pairId] = TOO_LATE
  }

  #forget(): void {
    this.#before = this.#latest
    this.#latest = { reads: this.counts.reads - 1, hits: this.counts.hits }
  }

  #evicted(pairId: number, mark: number): void {
    this.counts.evictions++
    this.#mark(pairId, mark)
  }

  /** The pair's earlier mark ends here. */
  #mark(pairId: number, mark: number): void {
    this.#ended(this.#marks[pairId] as number, 'unused')
    this.#marks[pairId] = mark
  }

  /** Counts the end of a warm, if the mark is that of one. */
  #ended(mark: number, how: 'used' | 'unused'): void {
    if (mark < UNREAD_WARM) return
    this.counts[how === 'used' ? 'warmsUsed' : 'warmsUnused']++
    this.#warms.count(mark - UNREAD_WARM, how)
  }
}
