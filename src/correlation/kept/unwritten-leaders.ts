import { encodeLeader, leaderKey } from '../../../schemas/correlations/leader-record.ts'
import { enlarged } from '../../../schemas/enlarged.ts'
import type { LeaderEdges } from '../leader-edges.ts'
import type { Tracker } from '../tracker.ts'
import { type PairNames, recordOf } from './leader-record.ts'

export interface UnwrittenLeadersOptions {
  readonly tracker: Pick<Tracker, 'places' | 'pairAt' | 'updatesOf' | 'learnedOf'>
  readonly names: PairNames
  readonly service: string
  /** The writer's name in the records. */
  readonly by: string
}

/** A record to be written. `value`: null deletes what the topic has of the leader. */
export interface KeptRecord {
  readonly chain: string
  readonly key: string
  readonly value: Buffer | null
  /** The leader's id; −1 for a deletion. */
  readonly leader: number
  /** How often partitions had been given up when it was taken. */
  readonly left: number
}

/** How a leader's edges have to differ from what was written: enough to matter, or at all, as its partition may be lost. */
export type Difference = 'clear' | 'any'

/** Whether the leader may be of a partition that is given up. */
export type IsLeaving = (leader: number) => boolean

export interface TakeLimits {
  /** The most records. */
  readonly records: number
  /** The most places that are looked at. */
  readonly places: number
  readonly difference: Difference
  /** Other leaders are passed over. */
  readonly isLeaving?: IsLeaving
}

/** Deletions that wait to be written; one more is refused. */
const MAX_DELETIONS = 10_000
const NEVER = 0
const ANY: IsLeaving = () => true
/** The digest of a record that another node has written. */
const BY_ANOTHER = 1

/**
 * Which leaders have changed since they were last written. One that was not updated since partitions were given up last
 * is none of them: the node may have lost it, and must not write over what its next owner has written.
 */
export class UnwrittenLeaders {
  readonly #options: UnwrittenLeadersOptions
  /** Indexed by pair id: the updates of the leader when it was last written, or might have been lost. */
  #updates = new Float64Array(1024)
  #updatesLeft = new Float64Array(1024)
  /** Indexed by pair id: digests of what was written. */
  #exact = new Int32Array(1024)
  #coarse = new Int32Array(1024)
  readonly #deletions = new Map<string, KeptRecord>()
  /** How often partitions were given up. */
  #left = 0
  /** The place that is looked at next. */
  #hand = 0
  /** Deletions that there was no room for. */
  refusedDeletions = 0

  constructor(options: UnwrittenLeadersOptions) {
    this.#options = options
  }

  /** Takes the next records; those behind the limits come first next time. Each counts as written, until `putBack`. */
  take({ records: most, places, difference, isLeaving = ANY }: TakeLimits): KeptRecord[] {
    const { tracker } = this.#options
    const records = this.#takeDeletions(most)
    for (let looked = Math.min(places, tracker.places); looked > 0 && records.length < most; looked--) {
      if (this.#hand >= tracker.places) this.#hand = 0
      const leader = tracker.pairAt(this.#hand++)
      const record = isLeaving(leader) ? this.#recordOf(leader, difference) : undefined
      if (record !== undefined) records.push(record)
    }
    return records
  }

  /**
   * Partitions are given up: a leader that was not written by now is written after its next update alone. Returns the
   * number of such leaders and of deletions: what is lost if the node ends now. `isLeaving`: whether the leader may be of
   * these partitions.
   */
  leave(isLeaving: IsLeaving = ANY): number {
    const { tracker } = this.#options
    this.#left++
    for (const [key, { leader }] of this.#deletions) if (leader >= 0) this.#deletions.delete(key)
    let left = this.#deletions.size
    for (let place = 0; place < tracker.places; place++) {
      const leader = tracker.pairAt(place)
      const updates = leader < 0 ? 0 : (tracker.updatesOf(leader) ?? 0)
      if (updates === 0 || updates === (this.#updatesLeft[leader] ?? NEVER) || !isLeaving(leader)) continue
      if (leader >= this.#updates.length) this.#reserve(leader)
      this.#updatesLeft[leader] = updates
      left++
    }
    return left
  }

  /**
   * The records were not written. Leaders that another node may have by now stay as they are until their next update;
   * returns how many these are.
   */
  putBack(records: readonly KeptRecord[]): number {
    let lost = 0
    for (const record of records) {
      const { leader, key, value, left } = record
      const mayBeLost = leader >= 0 && left !== this.#left
      if (value === null && !mayBeLost) this.#deletions.set(key, record)
      if (leader < 0) continue
      const updatesLeft = this.#updatesLeft[leader] ?? NEVER
      this.forget(leader)
      if (!mayBeLost) continue
      this.#updatesLeft[leader] = updatesLeft
      lost++
    }
    return lost
  }

  /** The topic has a record of the leader, by another node: it is deleted when the leader loses its last edge. */
  noteKept(leader: number): void {
    if (leader < 0) return
    if (leader >= this.#updates.length) this.#reserve(leader)
    this.#exact[leader] = BY_ANOTHER
    this.#coarse[leader] = BY_ANOTHER
  }

  /** The pair is about to be forgotten, as it was delisted. `isKept`: the topic has a record of it for another reason. */
  delete(leader: number, isKept: boolean): void {
    const { tracker, names, service } = this.#options
    const isWritten = (this.#exact[leader] ?? NEVER) !== NEVER
    this.forget(leader)
    // Most pairs that are delisted when a topic is read from its start have never been known here.
    if (!isKept && !isWritten && tracker.learnedOf(leader) === undefined) return
    const { chain, pair } = names.namesOf(leader)
    const key = leaderKey(service, { chain, pair })
    if (this.#deletions.size >= MAX_DELETIONS) this.refusedDeletions++
    else this.#deletions.set(key, { chain, key, value: null, leader: -1, left: this.#left })
  }

  /** The topic has nothing of what was written, or has it in other partitions: all is to be written anew. */
  beginAnew(): void {
    for (const each of [this.#updates, this.#exact, this.#coarse]) each.fill(NEVER)
  }

  /** What was written of the leader is not known any more. */
  forget(leader: number): void {
    if (leader >= this.#updates.length) return
    this.#updates[leader] = NEVER
    this.#updatesLeft[leader] = NEVER
    this.#exact[leader] = NEVER
    this.#coarse[leader] = NEVER
  }

  #takeDeletions(most: number): KeptRecord[] {
    const taken = [...this.#deletions.values()].slice(0, most)
    for (const { key } of taken) this.#deletions.delete(key)
    return taken
  }

  #recordOf(leader: number, difference: Difference): KeptRecord | undefined {
    const { tracker, names, service, by } = this.#options
    const updates = tracker.updatesOf(leader) ?? 0
    if (leader >= this.#updates.length) this.#reserve(leader)
    const mayBeLost = difference === 'any'
    if (updates === 0 || updates === this.#updatesLeft[leader]) return undefined
    if (!mayBeLost && updates === this.#updates[leader]) return undefined
    const edges = tracker.learnedOf(leader)
    const [exact, coarse] = edges === undefined ? [NEVER, NEVER] : digestsOf(edges)
    if (mayBeLost) this.#updatesLeft[leader] = updates
    if (mayBeLost ? exact === this.#exact[leader] : coarse === this.#coarse[leader]) return undefined
    this.#updates[leader] = updates
    this.#exact[leader] = exact
    this.#coarse[leader] = coarse
    const name = names.namesOf(leader)
    const value = edges === undefined ? null : encodeLeader(recordOf(leader, edges, by, names))
    return { chain: name.chain, key: leaderKey(service, name), value, leader, left: this.#left }
  }

  #reserve(leader: number): void {
    const pairs = Math.max(this.#updates.length * 2, leader + 1)
    this.#updates = enlarged(this.#updates, new Float64Array(pairs))
    this.#updatesLeft = enlarged(this.#updatesLeft, new Float64Array(pairs))
    this.#exact = enlarged(this.#exact, new Int32Array(pairs))
    this.#coarse = enlarged(this.#coarse, new Int32Array(pairs))
  }
}

/** A digest that tells any difference, and one of differences that would change what is warmed. Never 0. */
function digestsOf({ reads, mined }: LeaderEdges): readonly [exact: number, coarse: number] {
  let [exact, coarse] = [1, 1]
  const add = (id: number, fine: number, rough: number): void => {
    exact = Math.imul(Math.imul(exact, 31) + id, 31) + Math.round(fine * 1000)
    coarse = Math.imul(Math.imul(coarse, 31) + id, 31) + Math.round(rough)
  }
  for (const { pairId, rate, lagMs } of reads) {
    add(pairId, rate, rate * 5)
    add(0, lagMs / 100, Math.log2(lagMs + 1) * 2)
  }
  for (const { mark, hits, trials, lagMs, z } of mined) {
    add(mark, hits / (trials + 1), (hits / (trials + 1)) * 10)
    add(0, lagMs / 100, Math.log2(lagMs + 1) * 2)
    add(0, z / 10, Math.log2(trials + 1))
  }
  return [exact | 0 || 1, coarse | 0 || 1]
}
