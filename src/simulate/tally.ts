import { type Usage, WARM_KINDS, type WarmCounts, warmCounts } from '../cache/l1/usage.ts'
import { NO_PAIR, type Policy } from './policies/policy.ts'

/** What came of a simulation. */
export interface Counts {
  reads: number
  hits: number
  /** Pairs that a warming wanted in the cache, resident or not. */
  requests: number
  /** Of these, resident already. */
  redundant: number
  /** Of the others, those that a read was faster than: it missed while the value was on its way. */
  late: number
  /** Values read from L2 for them, whether they came in time, and were taken, or not. */
  fetched: number
  /** Brought in ahead of a read. */
  warms: number
  /** Read before they left. */
  warmsUsed: number
  /** Left before they were read, as far as anybody has noticed. */
  warmsUnused: number
  /** Misses on pairs that a warm had pushed out. */
  polluted: number
  /** Pairs that left to make room. */
  evictions: number
}

/** `warmed`: a hit that was none without the warm. */
export type ReadOutcome = 'hit' | 'warmed' | 'missed'

/** The hit ratio of late is of so many reads, up to twice as many. */
const LATE_READS = 5_000
const PUSHED_OUT = 1
/** Of the first kind in WARM_KINDS; those of the others stand after it. */
const UNREAD_WARM = 2
const ON_ITS_WAY = 1
const TOO_LATE = 2

/** A policy, and what becomes of its reads and warms. */
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
  /** What was counted when the reads of late began, and half of them later. */
  #before: Pick<Counts, 'reads' | 'hits'> = { reads: 0, hits: 0 }
  #latest = this.#before
  readonly #byKind: readonly WarmCounts[] = WARM_KINDS.map(() => warmCounts())
  /** By pair: 0, PUSHED_OUT, or UNREAD_WARM + the kind of the warm. */
  readonly #marks: Uint8Array
  /** By pair: 0, ON_ITS_WAY or TOO_LATE. */
  readonly #requested: Uint8Array

  constructor(policy: Policy, pairs: number) {
    this.policy = policy
    this.#marks = new Uint8Array(pairs)
    this.#requested = new Uint8Array(pairs)
  }

  /** Of the reads of late, as a node's is of the last seconds; undefined before the first read. */
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

  /** As far as a node knows by now: L1's own residency sees warms leave unread, of others that is noticed later. */
  get warmCounts(): Readonly<WarmCounts> {
    const { warms: admitted, warmsUsed: used, warmsUnused: unused } = this.counts
    return this.policy.usage?.warmCounts ?? { admitted, used, unused, dropped: 0 }
  }

  /** The same by kind. */
  get warmsByKind(): readonly Readonly<WarmCounts>[] {
    return this.policy.usage?.warmsByKind ?? this.#byKind
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
      if (this.#requested[pairId] === ON_ITS_WAY) this.#isTooLate(pairId)
      if (policy.evicted !== NO_PAIR) this.#evicted(policy.evicted, 0)
    }
    if (mark !== 0) this.#marks[pairId] = 0
    if (!isHit) return 'missed'
    return mark >= UNREAD_WARM ? 'warmed' : 'hit'
  }

  /** A warm that takes no time. `kind`: who asks, its place in WARM_KINDS. */
  warm(pairId: number, kind = 0): void {
    if (this.request(pairId)) this.arrive(pairId, kind)
  }

  /** A pair is wanted; true where its value has to be fetched: it is neither resident nor on its way. */
  request(pairId: number): boolean {
    this.counts.requests++
    const isThere = this.policy.has(pairId)
    if (isThere) this.counts.redundant++
    if (isThere || this.#requested[pairId] !== 0) return false
    this.#requested[pairId] = ON_ITS_WAY
    return true
  }

  /** The value of a pair that was requested. Where the pair is resident by now, a read was faster. */
  arrive(pairId: number, kind = 0): void {
    const { counts, policy } = this
    counts.fetched++
    this.#requested[pairId] = 0
    if (policy.has(pairId) || !policy.warm(pairId, kind)) return
    counts.warms++
    this.#count(kind, 'admitted')
    if (policy.evicted !== NO_PAIR) this.#evicted(policy.evicted, PUSHED_OUT)
    this.#mark(pairId, UNREAD_WARM + kind)
  }

  #isTooLate(pairId: number): void {
    this.counts.late++
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

  /** What the pair was before is over. */
  #mark(pairId: number, mark: number): void {
    this.#ended(this.#marks[pairId] as number, 'unused')
    this.#marks[pairId] = mark
  }

  /** Where the mark is that of a warm, it is over. */
  #ended(mark: number, how: 'used' | 'unused'): void {
    if (mark < UNREAD_WARM) return
    this.counts[how === 'used' ? 'warmsUsed' : 'warmsUnused']++
    this.#count(mark - UNREAD_WARM, how)
  }

  #count(kind: number, what: keyof WarmCounts): void {
    const ofKind = this.#byKind[kind]
    if (ofKind !== undefined) ofKind[what]++
  }
}
