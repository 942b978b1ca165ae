import { Alarm } from '../../alarm.ts'
import { systemTimer } from '../../timer.ts'
import type { CachedPrice } from '../cached-price.ts'
import type { L2Load } from '../l2/l2.ts'
import type { TrackingWay } from '../l2/tracking.ts'
import { EVERYTHING } from '../sources/sources.ts'
import { fenceMsFor } from './fence-pace.ts'
import type { ForeignReadsOptions } from './foreign-reads-options.ts'
import { Intake } from './intake.ts'
import { raiseMoments } from './moments.ts'
import { RecentReads } from './recent-reads.ts'
import { AGAIN, CLEAN, EMPTY, FLYING, groupsInUse, NONE, QUEUED } from './states.ts'
import { CALM_MS, Storm } from './storm.ts'

/** How long messages are gathered before their pairs are read again. */
const GATHER_MS = 1
const PAIRS_A_TRIP = 2_048
const MAX_TRIPS = 4

/**
 * Keeps pairs fresh in L1 whose updates arrive at other nodes, for as long as they are read here. L2 tells once when a
 * value changes that was read (l2/tracking.ts); reading it again arms that again.
 *
 * - A changed pair is read again. Until then its value is served, and its moment stands still.
 * - A message that comes while the pair's read is in flight may be older or newer than the read, so the pair is read once
 *   more. The first message has disarmed the key: a second one comes from a later write.
 * - A source's moment rises at a fence: its stamp is read, and then everything is awaited that was told before. A value that
 *   is still clean was the newest when the stamp was set.
 * - When messages may have been missed, all pairs are in doubt: their moments stand still until they are read again. So are
 *   their sources, because L2 may have lost what moments stand for, until their stamps have come up to the moments.
 */
export class ForeignReads {
  readonly #options: ForeignReadsOptions
  readonly #states: Uint8Array
  readonly #recent: RecentReads
  readonly #storm: Storm
  readonly #intake: Intake
  readonly #gather: Alarm
  readonly #nextFence: Alarm
  readonly #calm: Alarm
  #queue: number[] = []
  #trips = 0
  /** Rises whenever messages may have been missed; what is in flight then is void. */
  #epoch = 0
  #way: TrackingWay | undefined
  #lastWay: TrackingWay | undefined
  #isFencing = false
  #stamps = 0
  #isOpen = false
  /** The stamps were read once since the connections were armed. Before that, sources of values may have no number. */
  #knowsSources = false
  #refusal: string | undefined
  /** Pairs may be in use whose values nobody is about to read. */
  #isLacking = false
  /** Messages, values read because of them, and moments at which all pairs came into doubt. */
  invalidations = 0
  reads = 0
  losses = 0

  constructor(options: ForeignReadsOptions) {
    this.#options = options
    const { maxPairs, timer = systemTimer, now = () => performance.now() } = options
    this.#states = new Uint8Array(maxPairs)
    this.#recent = new RecentReads(maxPairs, now)
    this.#storm = new Storm(now)
    this.#intake = new Intake(options, this.#storm)
    this.#gather = new Alarm(() => this.#depart(), timer)
    this.#nextFence = new Alarm(() => void this.#beat(), timer)
    this.#calm = new Alarm(() => options.tracking.silence(false), timer)
  }

  /** A node that reads no pair of another one makes no connections. */
  #open(): void {
    const { tracking, polls = false } = this.#options
    this.#isOpen = true
    tracking.open({
      armed: (way) => this.#armed(way),
      lost: () => this.#doubt(),
      changed: (pairId) => this.#changed(pairId),
      refused: (reason) => {
        this.#refusal = reason
      },
      dropIdle: (groupOf) => this.#dropIdle(groupOf),
      limited: (reason) => this.#options.onLimited?.(reason),
    })
    if (polls) tracking.silence(true)
  }

  close(): void {
    this.#isOpen = true
    for (const alarm of [this.#gather, this.#nextFence, this.#calm]) alarm.close()
    this.#epoch++
    this.#way = undefined
    this.#options.tracking.close()
  }

  /** A demand read, a hit or a miss, of a pair that other nodes follow. `isCurrent`: L1 has a value that follows its source. */
  read(pairId: number, isCurrent: boolean): void {
    this.#note(pairId)
    const state = this.#states[pairId]
    if (state === NONE || (state === CLEAN && !isCurrent)) this.#enqueue(pairId)
  }

  /** The values of pairs that are in use now, and that L2 tells of from then on; undefined if it does not, or does not answer. */
  async load(pairIds: readonly number[]): Promise<L2Load | undefined> {
    for (const pairId of pairIds) this.#note(pairId)
    const rows = new Map<number, CachedPrice>()
    if (this.#way !== 'told' || !(await this.#fetch(pairIds, rows))) return undefined
    return { status: 'loaded', rows: pairIds.map((pairId) => rows.get(pairId)) }
  }

  #note(pairId: number): void {
    if (!this.#isOpen) this.#open()
    this.#recent.note(pairId)
    if (!this.#nextFence.isSet && !this.#isFencing) this.#nextFence.set(0)
  }

  /** A demand read met no value. The pair is another node's unless its updates arrive here, or all do. */
  missed(pairId: number): void {
    const { sources, isFollowed } = this.#options
    if (!sources.isFollowed(EVERYTHING) && !isFollowed(pairId)) this.read(pairId, false)
  }

  /** Whether L2 would have told if it had something newer than what it was read to have. */
  isTold(pairId: number): boolean {
    return this.#states[pairId] === CLEAN || this.#states[pairId] === EMPTY
  }

  holds(pairId: number): boolean {
    const state = this.#states[pairId]
    return state === QUEUED || state === FLYING || state === AGAIN
  }

  forget(pairId: number): void {
    this.#states[pairId] = NONE
    this.#recent.forget(pairId)
  }

  forgetChain(chainId: number): void {
    this.#options.tracking.forgetChain(chainId)
  }

  #armed(way: TrackingWay): void {
    // Whatever was read before is void.
    if (this.#way !== undefined) this.#doubt()
    this.#epoch++
    this.#way = way
    this.#knowsSources = false
    this.#isLacking = true
    if (way !== this.#lastWay) this.#options.onWay?.(way, this.#refusal)
    this.#lastWay = way
    if (!this.#isFencing) this.#nextFence.set(0)
  }

  /** Messages may have been missed: what follows its source no longer does. */
  #doubt(): void {
    this.#epoch++
    this.losses++
    this.#options.sources.doubt()
    this.#way = undefined
    this.#queue = []
    this.#storm.clear()
    this.#gather.clear()
    for (let pairId = 0; pairId < this.#recent.end; pairId++) this.#drop(pairId)
  }

  #changed(pairId: number): void {
    this.invalidations++
    const state = this.#states[pairId]
    if (state === FLYING) this.#states[pairId] = AGAIN
    if (state !== CLEAN && state !== EMPTY) return
    this.#drop(pairId)
    if (!this.#recent.has(pairId)) return
    this.#storm.told(pairId)
    this.#enqueue(pairId)
  }

  #drop(pairId: number): void {
    const { isFollowed, l1 } = this.#options
    // Newer values of a pair that has come to this node since arrive here.
    if (this.#states[pairId] === CLEAN && !isFollowed(pairId)) l1.suspend(pairId)
    this.#states[pairId] = NONE
  }

  #dropIdle(groupOf: (pairId: number) => number): ReadonlySet<number> {
    const inUse = groupsInUse(this.#states, this.#recent, groupOf)
    for (let id = 0; id < this.#recent.end; id++)
      if (this.#states[id] !== NONE && !inUse.has(groupOf(id))) this.#drop(id)
    return inUse
  }

  #enqueue(pairId: number): void {
    if (this.#way === undefined || !this.#knowsSources) {
      this.#isLacking = true
      return
    }
    this.#states[pairId] = QUEUED
    this.#queue.push(pairId)
    if (!this.#gather.isSet && this.#trips < MAX_TRIPS) this.#gather.set(GATHER_MS)
  }

  #depart(): void {
    // A polling reads after its stamps, and nothing else meanwhile: there is no fence that would order the two.
    if (this.#way === 'poll' && this.#isFencing) return
    this.#queue = this.#queue.filter((pairId) => this.#states[pairId] === QUEUED)
    while (this.#queue.length > 0 && this.#trips < MAX_TRIPS) void this.#fetch(this.#queue.splice(0, PAIRS_A_TRIP))
  }

  /** Resolves to false if L2 did not answer. The values go into L1, unless somebody wants their rows. */
  async #fetch(pairIds: readonly number[], rows?: Map<number, CachedPrice>): Promise<boolean> {
    const epoch = this.#epoch
    // Another read of the pair is in flight, and sees to its state.
    const isElsewhere = pairIds.map((pairId) => this.#states[pairId] === FLYING || this.#states[pairId] === AGAIN)
    for (const [at, pairId] of pairIds.entries()) if (!isElsewhere[at]) this.#states[pairId] = FLYING
    this.#trips++
    const sent = this.#options.sources.snapshot()
    const values = await this.#options.tracking.read(pairIds)
    this.#trips--
    this.reads += epoch === this.#epoch ? pairIds.length : 0
    for (const [at, pairId] of pairIds.entries()) {
      if (epoch !== this.#epoch) break
      const value = values?.[at]
      const isAgain = isElsewhere[at] || this.#states[pairId] === AGAIN
      const taking = { isClean: !isAgain && this.#way === 'told', isPolled: this.#way === 'poll', sent, rows }
      const state = value === undefined ? NONE : this.#intake.take(pairId, value, taking)
      if (isElsewhere[at]) continue
      if (value === undefined) this.#isLacking = true
      this.#states[pairId] = state
      if (!isAgain) continue
      this.#drop(pairId)
      this.#enqueue(pairId)
    }
    if (this.#storm.isRaging && this.#way === 'told') this.#shelter()
    this.#depart()
    return values !== undefined && epoch === this.#epoch
  }

  async #beat(): Promise<void> {
    this.#recent.tick()
    if (!this.#recent.isAny) return
    // Values that are being read must not be taken for as recent as the stamps that follow.
    if (this.#way === 'poll' && this.#trips > 0) {
      this.#nextFence.set(GATHER_MS)
      return
    }
    this.#isFencing = true
    await this.#fence().finally(() => {
      this.#isFencing = false
      this.#nextFence.set(this.#way === 'poll' ? this.#options.pollMs : fenceMsFor(this.#stamps, this.#options.fenceMs))
    })
  }

  async #fence(): Promise<void> {
    const { tracking } = this.#options
    const epoch = this.#epoch
    const stamps = await tracking.stamps()
    if (this.#way === undefined || epoch !== this.#epoch) return
    // What was told before the stamps were read has arrived after this.
    const hasToldAll = stamps !== undefined && (await tracking.toldAll())
    if (epoch !== this.#epoch) return
    if (stamps === undefined || !hasToldAll) {
      tracking.reset()
      return
    }
    this.#stamps = stamps.size
    if (raiseMoments(this.#options.sources, stamps)) this.#resolve()
    this.#knowsSources = true
    if (this.#way === 'poll') await this.#poll()
    else this.#queueLacking()
  }

  /** Values may be in L1 whose sources had no number when they were read, or were in doubt. */
  #resolve(): void {
    this.#isLacking = true
    for (let pairId = 0; pairId < this.#recent.end; pairId++)
      if (this.#states[pairId] === EMPTY) this.#states[pairId] = NONE
  }

  /** Pairs that are read and were not answered for, or came into doubt. */
  #queueLacking(): void {
    if (!this.#isLacking) return
    this.#isLacking = false
    for (const pairId of this.#recent.recent()) if (this.#states[pairId] === NONE) this.#enqueue(pairId)
  }

  /** Reads all pairs that are in use. Those that are queued are among them. */
  async #poll(): Promise<void> {
    this.#queue = []
    const pairIds = this.#recent.recent()
    for (let from = 0; from < pairIds.length; from += PAIRS_A_TRIP)
      await this.#fetch(pairIds.slice(from, from + PAIRS_A_TRIP))
  }

  /** The table in which Redis keeps who has read what is too small, so that readers push each other out. */
  #shelter(): void {
    this.#refusal = 'most changes that it tells of are none: its tracking-table-max-keys is too small for what is read'
    this.#calm.set(CALM_MS)
    this.#options.tracking.silence(true)
  }
}
