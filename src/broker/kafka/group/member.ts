import type { TopicPartition } from '../../port.ts'
import type { Cluster, Purpose } from '../wire/cluster.ts'
import { CODE } from '../wire/codes.ts'
import type { WireRequest } from '../wire/connection.ts'
import {
  heartbeatRequest,
  type Joined,
  joinGroupRequest,
  leaveGroupRequest,
  type MemberIdentity,
  syncGroupRequest,
} from '../wire/group.ts'
import {
  type CommittedPartition,
  type FetchedOffset,
  type OffsetToCommit,
  offsetCommitRequest,
  offsetFetchRequest,
} from '../wire/group-offsets.ts'
import { errorOfCode } from '../wire/kafkajs.ts'
import { assign } from './assigner.ts'
import { coordinatorOf } from './committed.ts'
import {
  type Assigned,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './protocol.ts'

export interface MemberOptions {
  readonly cluster: Cluster
  readonly groupId: string
  readonly instanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Partition counts of topics, those that other members read among them. */
  readonly countsOf: (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>
}

/** What an answer of the coordinator means for a member. */
export type Standing =
  | 'member'
  /** The group is sharing its partitions out anew: join again. */
  | 'rebalancing'
  /** The group goes on without this member: what it holds is somebody else's. */
  | 'lost'

export interface Committed {
  readonly standing: Standing
  /** Partitions of topics that are deleted or forbidden, with the error: their offsets are not committed. */
  readonly refused: readonly CommittedPartition[]
}

export interface Membership extends Assigned {
  readonly generation: number
  /** The group had no other member when this one joined. */
  readonly isAlone: boolean
}

/** With a member of another client in the group, it is the second: all clients that rebalance cooperatively know it. */
const PROTOCOLS = ['forewarm-cooperative', 'cooperative-sticky']
const NO_GENERATION = -1
const REBALANCING: ReadonlySet<number> = new Set([CODE.rebalanceInProgress])
const LOST: ReadonlySet<number> = new Set([CODE.unknownMember, CODE.illegalGeneration, CODE.fencedInstance])
const AWAY: ReadonlySet<number> = new Set([CODE.unknownTopicOrPartition, CODE.topicNotAuthorized])
const ELSEWHERE: ReadonlySet<number> = new Set([
  CODE.coordinatorLoading,
  CODE.coordinatorNotAvailable,
  CODE.notCoordinator,
])

/**
 * A member of a group, as its coordinator knows it. It joins over a connection of its own, because a join waits for all
 * members and would hold up heartbeats and commits behind it. Everything rejects with KafkaJS's errors, after which the
 * coordinator is looked for again.
 */
export class GroupMember {
  readonly #options: MemberOptions
  #memberId = ''
  #generation = NO_GENERATION
  #coordinator: number | undefined
  #isJoining = false
  /** Another process has joined under the name of this static member: that one is the member now. */
  isFenced = false
  /** When the last request was sent that the coordinator has answered as to a member, by `performance.now()`. */
  heardAtMs = Number.NEGATIVE_INFINITY

  constructor(options: MemberOptions) {
    this.#options = options
  }

  get generation(): number {
    return this.#generation
  }

  /**
   * Joins with what it holds, and resolves to what it is to hold. Otherwise the group rebalances once more, or has thrown
   * the member out: what it holds is somebody else's.
   */
  async join(
    topics: readonly string[],
    owned: readonly TopicPartition[],
  ): Promise<Membership | Exclude<Standing, 'member'>> {
    this.#isJoining = true
    const joined = await this.#join(topics, owned).finally(() => {
      this.#isJoining = false
    })
    if (joined === 'lost') return joined
    this.#generation = joined.generation
    const isLeader = joined.leaderId === joined.memberId
    const assignments = isLeader ? await this.#assignments(joined) : []
    const sentAtMs = performance.now()
    const { error, assignment } = await this.#send('join', syncGroupRequest(this.#identity, assignments))
    const standing = this.#standing(error, sentAtMs)
    if (standing !== 'member') return standing
    const isAlone = isLeader && joined.members.length === 1
    return { ...decodeAssignment(assignment), generation: joined.generation, isAlone }
  }

  async beat(): Promise<Standing> {
    const identity = this.#identity
    const sentAtMs = performance.now()
    const error = await this.#send('beat', this.#inTime(heartbeatRequest(identity)))
    if (!this.#isOld(identity)) return this.#standing(error, sentAtMs)
    // While it joins, its partitions are its own as long as the coordinator knows it.
    if (error === CODE.none || REBALANCING.has(error)) this.#heard(sentAtMs)
    return 'member'
  }

  /** For a member, all offsets are committed then, except those of topics that are deleted or forbidden. */
  async commit(offsets: readonly OffsetToCommit[]): Promise<Committed> {
    const identity = this.#identity
    const sentAtMs = performance.now()
    const answers = await this.#send('beat', this.#inTime(offsetCommitRequest(identity, offsets)))
    const refused = answers.filter(({ error }) => AWAY.has(error))
    const error = answers.find((answer) => answer.error !== CODE.none && !AWAY.has(answer.error))?.error ?? CODE.none
    if (error !== CODE.none && this.#isOld(identity)) return { standing: 'rebalancing', refused }
    return { standing: this.#standing(error, sentAtMs), refused }
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly FetchedOffset[]> {
    const { error, partitions: answers } = await this.#send(
      'beat',
      offsetFetchRequest(this.#options.groupId, partitions),
    )
    this.#assert(error)
    for (const answer of answers) this.#assert(answer.error)
    return answers
  }

  /** A static member stays one: its successor takes its place. */
  async leave(): Promise<void> {
    if (this.#memberId === '' || this.#options.instanceId !== undefined) return
    const identity = this.#identity
    this.#memberId = ''
    this.forget()
    await this.#send('beat', leaveGroupRequest(identity))
  }

  /** The group goes on without it. It joins as the same member, if the coordinator still knows it, or as a new one. */
  forget(): void {
    this.#generation = NO_GENERATION
  }

  /** The coordinator is silent: what waits for it is given up, and it is looked for again. */
  hangUp(): void {
    if (this.#coordinator !== undefined) this.#options.cluster.forget(this.#coordinator)
    this.#coordinator = undefined
  }

  get #identity(): MemberIdentity {
    const { groupId, instanceId } = this.#options
    return { groupId, instanceId, memberId: this.#memberId, generation: this.#generation }
  }

  /** The group may have begun another generation since: what it says of this one is no news. */
  #isOld({ generation, memberId }: MemberIdentity): boolean {
    return this.#isJoining || generation !== this.#generation || memberId !== this.#memberId
  }

  /** A connection that hangs is given up before the session is over. */
  #inTime<T>(request: WireRequest<T>): WireRequest<T> {
    return { ...request, timeoutMs: Math.ceil(this.#options.sessionTimeoutMs / 3) }
  }

  async #join(topics: readonly string[], owned: readonly TopicPartition[]): Promise<Joined | 'lost'> {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const metadata = encodeSubscription({ topics, owned, generation: this.#generation })
    for (;;) {
      const member = this.#identity
      const sentAtMs = performance.now()
      const request = joinGroupRequest({ member, sessionTimeoutMs, rebalanceTimeoutMs, protocols: PROTOCOLS, metadata })
      const joined = await this.#send('join', request)
      if (joined.error === CODE.none) this.#heard(sentAtMs)
      if (joined.error === CODE.none || joined.error === CODE.memberIdRequired) this.#memberId = joined.memberId
      if (joined.error === CODE.none) return joined
      if (joined.error === CODE.unknownMember || joined.error === CODE.illegalGeneration) {
        this.#lose(joined.error)
        this.forget()
        if (owned.length > 0) return 'lost'
      } else if (joined.error !== CODE.memberIdRequired && !REBALANCING.has(joined.error)) this.#assert(joined.error)
    }
  }

  async #assignments({ members }: Joined) {
    const subscribed = members.map(({ memberId, metadata }) => ({ memberId, ...decodeSubscription(metadata) }))
    const topics = [...new Set(subscribed.flatMap((member) => member.topics))]
    const { byMember, isMoreToCome } = assign(subscribed, await this.#options.countsOf(topics))
    return [...byMember].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeAssignment({ partitions, isMoreToCome }),
    }))
  }

  #standing(error: number, sentAtMs: number): Standing {
    if (LOST.has(error)) {
      this.#lose(error)
      return 'lost'
    }
    if (!REBALANCING.has(error)) this.#assert(error)
    this.#heard(sentAtMs)
    return REBALANCING.has(error) ? 'rebalancing' : 'member'
  }

  /** After an illegal generation its id is still good: joining with it holds up nobody. */
  #lose(error: number): void {
    if (error !== CODE.illegalGeneration) this.#memberId = ''
    this.isFenced ||= error === CODE.fencedInstance
  }

  #heard(sentAtMs: number): void {
    this.heardAtMs = Math.max(this.heardAtMs, sentAtMs)
  }

  #assert(error: number): void {
    if (ELSEWHERE.has(error)) this.#coordinator = undefined
    this.isFenced ||= error === CODE.fencedInstance
    if (error !== CODE.none) throw errorOfCode(error)
  }

  async #send<T>(purpose: Purpose, request: WireRequest<T>): Promise<T> {
    const { cluster } = this.#options
    try {
      this.#coordinator ??= await coordinatorOf(cluster, this.#options.groupId)
      return await cluster.send(this.#coordinator, purpose, () => request)
    } catch (error) {
      this.#coordinator = undefined
      throw error
    }
  }
}
