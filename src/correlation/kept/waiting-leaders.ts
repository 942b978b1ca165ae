import {
  type LeaderName,
  type LeaderRecord,
  type LeaderRefusal,
  leaderOfKey,
  parseLeader,
} from '../../../schemas/correlations/leader-record.ts'
import type { Refused } from '../../../schemas/refusal.ts'
import { pairKey, partitionOf } from '../../../schemas/topics.ts'
import type { LeaderEdges, WaitingEdges } from '../leader-edges.ts'
import { edgesOf, type PairNames } from './leader-record.ts'

export interface WaitingLeadersOptions {
  readonly service: string
  /** Another service. Until the topic was read to its end, its records wait too, for leaders that have none of the own service. */
  readonly from?: string | undefined
  /** The name by which this node writes: what it wrote itself need not wait for it. */
  readonly by: string
  readonly maxLeaders: number
  readonly names: PairNames
  /** Called when the edges of a leader are handed out that are of a record of the own service. */
  readonly onTaken?: (leader: LeaderName) => void
}

export type WaitingRefusal = LeaderRefusal | 'no-room'

/** The partition in which a record was read. */
export interface RecordPlace {
  readonly partition: number
  /** How many the topic has. */
  readonly partitions: number
}

/** The newest records of leaders, by other nodes or an earlier run, until the leader is met here. */
export class WaitingLeaders implements WaitingEdges {
  readonly #options: WaitingLeadersOptions
  /** Indexed by chain and pair: the record's bytes, which take less memory than what they say. */
  readonly #values = new Map<string, Buffer>()
  /** Those whose record was written when the topic had fewer partitions: any in the leader's own partition is newer. */
  readonly #misplaced = new Set<string>()
  /** Leaders whose record is of the other service. */
  readonly #foreign = new Set<string>()
  /** Leaders of which the own service has said something, a deletion too, until the topic was read to its end. */
  readonly #own = new Set<string>()
  #hadNoRoom = false
  #isRead = false

  constructor(options: WaitingLeadersOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#values.size
  }

  /** Whether the topic was read to its end once. */
  get isRead(): boolean {
    return this.#isRead
  }

  set isRead(isRead: boolean) {
    this.#isRead = isRead
    if (isRead) this.#own.clear()
  }

  /** Takes a record of the topic, and copies what it keeps. Returns why it is passed over. */
  put(key: Buffer | undefined, value: Buffer | undefined, place?: RecordPlace): Refused<WaitingRefusal> | undefined {
    const { service, from, by, maxLeaders } = this.#options
    const own = leaderOfKey(key, service)
    const isForeign = 'ok' in own && own.reason === 'other-service' && from !== undefined
    const leader = isForeign ? leaderOfKey(key, from) : own
    if ('ok' in leader) return leader
    const name = pairKey(leader.chain, leader.pair)
    if (isForeign && (this.#isRead || this.#own.has(name))) return undefined
    const parsed = value === undefined ? undefined : parseLeader(value)
    if (parsed?.ok === false) return parsed
    const isMisplaced = place !== undefined && partitionOf(leader.chain, place.partitions) !== place.partition
    if (isMisplaced && this.#values.has(name) && !this.#misplaced.has(name)) return undefined
    this.#forget(name)
    if (from !== undefined && !isForeign && !this.#isRead && this.#own.size < maxLeaders) this.#own.add(name)
    if (value === undefined || parsed?.value.by === by) return undefined
    if (!isForeign) this.#makeRoom()
    if (this.#values.size >= maxLeaders) {
      this.#hadNoRoom = true
      return { ok: false, reason: 'no-room', detail: `${maxLeaders} leaders wait already` }
    }
    this.#values.set(name, Buffer.from(value))
    if (isMisplaced) this.#misplaced.add(name)
    if (isForeign) this.#foreign.add(name)
    return undefined
  }

  has({ chain, pair }: LeaderName): boolean {
    return this.#values.has(pairKey(chain, pair))
  }

  /** The leader was delisted. Returns whether the topic may have a record of it that was not handed out. */
  delete({ chain, pair }: LeaderName): boolean {
    return this.#forget(pairKey(chain, pair)) || !this.isRead || this.#hadNoRoom
  }

  take(leader: number): LeaderEdges | undefined {
    if (leader < 0) return undefined
    return this.#take(this.#options.names.namesOf(leader))?.edges()
  }

  /** Takes the records of all leaders that `isMet` tells of. */
  *met(isMet: (name: LeaderName) => boolean): Generator<{ readonly name: LeaderName; edges(): LeaderEdges }> {
    for (const key of [...this.#values.keys()]) {
      const end = key.indexOf('\0')
      const name = { chain: key.slice(0, end), pair: key.slice(end + 1) }
      const taken = isMet(name) ? this.#take(name) : undefined
      if (taken !== undefined) yield { name, ...taken }
    }
  }

  /** The own service comes first when there is no room for all. */
  #makeRoom(): void {
    if (this.#values.size < this.#options.maxLeaders) return
    const [foreign] = this.#foreign
    if (foreign !== undefined) this.#forget(foreign)
  }

  #forget(name: string): boolean {
    this.#misplaced.delete(name)
    this.#foreign.delete(name)
    return this.#values.delete(name)
  }

  #take(name: LeaderName): { edges(): LeaderEdges } | undefined {
    const key = pairKey(name.chain, name.pair)
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    const isForeign = this.#foreign.has(key)
    this.#forget(key)
    const parsed = parseLeader(value)
    if (!parsed.ok) return undefined
    // The own service has no record of that yet.
    if (!isForeign) this.#options.onTaken?.(name)
    const record: LeaderRecord = parsed.value
    return { edges: () => edgesOf(name, record, this.#options.names) }
  }
}
