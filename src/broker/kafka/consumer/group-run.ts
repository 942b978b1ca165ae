import { setTimeout as delay } from 'node:timers/promises'
import { settlesWithin } from '../../deadline.ts'
import { partitionName } from '../../partition-name.ts'
import { toBrokerError } from '../errors.ts'
import { startsOf } from '../fetch/offsets.ts'
import type { Partition } from '../fetch/partition.ts'
import { GroupMember, type Membership, type Standing } from '../group/member.ts'
import type { Cluster } from '../wire/cluster.ts'
import { commitNote, groupPast } from './commit-notes.ts'
import { Commits } from './commits.ts'
import type { ConsumerState } from './consumer-state.ts'
import type { Holding } from './holding.ts'
import type { Reading } from './reading.ts'
import { Session } from './session.ts'
import type { ConsumerTiming } from './timing.ts'
import type { Topics } from './topics.ts'

export interface GroupRunOptions {
  readonly cluster: Cluster
  readonly reading: Reading
  readonly holding: Holding
  readonly state: ConsumerState
  readonly timing: ConsumerTiming
  readonly topics: Topics
  /** Fetches the topics' metadata now. */
  readonly look: () => Promise<void>
  readonly stopping: AbortSignal
}

/** A first join that fails, while a coordinator is made or moves, is tried again for so long. */
const START_MS = 10_000
/** The coordinator is asked so often to take the start of a topic that was made again. */
const STALE_TRIES = 5
/** Partitions that could not be taken are tried again so often. */
const MISSING_MS = 500

/**
 * A membership of a group, from the first join to leaving.
 *
 *   join ─► sync ─► take what is new ─► give up what goes (drain, commit, onRevoked) ─► was anything given up? join again
 *    ▲                                                                                     │ no
 *    └──────────────── the coordinator says that the group rebalances ◄── heartbeats ◄─────┘
 *
 * Partitions that stay are read all the time. A member that was thrown out gives everything up without a commit, and
 * joins as a new one. A static member whose place another process has taken gives up for good.
 */
export class GroupRun {
  readonly #options: GroupRunOptions
  readonly #member: GroupMember
  readonly #commits: Commits
  readonly #session: Session
  /** Resolved when the member has to join again. */
  #news = Promise.withResolvers<void>()
  #isLost = false
  #isFirst = true
  #membership: Membership | undefined
  #running: Promise<void> | undefined

  constructor(options: GroupRunOptions) {
    this.#options = options
    const { cluster, state, timing, topics } = options
    this.#member = new GroupMember({
      cluster,
      groupId: state.options.groupId,
      instanceId: timing.groupInstanceId,
      sessionTimeoutMs: timing.sessionTimeoutMs,
      rebalanceTimeoutMs: timing.rebalanceTimeoutMs,
      countsOf: (names) => topics.countsOf(names),
    })
    this.#commits = new Commits({
      ...{ member: this.#member, topics, state },
      mayCommit: () => !this.#isLost && (!this.#session.isStuck || options.stopping.aborted),
      onRefused: (standing) => this.#stand(standing),
    })
    this.#session = new Session({
      ...options,
      member: this.#member,
      commit: () => void this.#commits.commit(options.reading.all()),
      onStanding: (standing) => this.#stand(standing),
    })
  }

  /** Resolves when the first assignment was handed over. Rejects with KafkaJS's errors where it could not join. */
  async start(): Promise<void> {
    const { state, stopping } = this.#options
    const untilMs = performance.now() + START_MS
    for (let failures = 0; ; failures++) {
      try {
        await this.#settle()
        break
      } catch (error) {
        if (stopping.aborted) return
        const failure = toBrokerError(error, `joining group ${state.options.groupId}`)
        if (!failure.retriable || performance.now() > untilMs) {
          this.#session.end()
          throw failure
        }
        await delay(state.restartMs(failures), undefined, { signal: stopping })
      }
    }
    if (!stopping.aborted) this.#running = this.#run()
  }

  /** Something is to be shared out that was not before: the group rebalances. */
  rejoin(): void {
    this.#news.resolve()
  }

  /** Gives everything up and leaves. Never rejects. */
  async stop(): Promise<void> {
    const { reading, holding, timing } = this.#options
    // A join that is under way may take longer than this stop.
    for (const partition of reading.all()) partition.close()
    this.#news.resolve()
    await settlesWithin(this.#running ?? Promise.resolve(), timing.closeTimeoutMs)
    const held = reading.all()
    let isAnswered = true
    await holding.give(held, async () => {
      isAnswered = this.#isLost || (await settlesWithin(this.#commits.commit(held), timing.closeTimeoutMs))
      this.#commits.tellUncommitted(held)
      return true
    })
    this.#session.end()
    // A coordinator that has not answered the commit will not answer this, either: the time is spent once.
    await settlesWithin(this.#member.leave(), isAnswered ? timing.closeTimeoutMs : 0)
  }

  get mayHandle(): boolean {
    return this.#session.mayHandle
  }

  /** A handler makes progress. */
  beat(): Promise<void> {
    return this.#isLost ? Promise.resolve() : this.#session.beat()
  }

  async #run(): Promise<void> {
    const { stopping, state } = this.#options
    for (let failures = 0; !stopping.aborted; ) {
      try {
        await this.#takeMissing()
        await this.#news.promise
        if (stopping.aborted) return
        await this.#settle()
        if (this.#member.isFenced) return this.#endFenced()
        failures = 0
      } catch (error) {
        if (stopping.aborted) return
        if (!this.#member.isFenced) state.unanswered(error)
        await this.#backOff(failures++)
        this.#news.resolve()
      }
    }
  }

  #backOff(failures: number): Promise<void> {
    const { state, stopping } = this.#options
    return delay(state.restartMs(failures), undefined, { signal: stopping }).catch(() => undefined)
  }

  /** Takes what the group has given to this member and nobody could tell the place of, until there is news. */
  async #takeMissing(): Promise<void> {
    const { reading, stopping } = this.#options
    let hasNews = false
    void this.#news.promise.then(() => {
      hasNews = true
    })
    while (this.#membership?.partitions.some((partition) => reading.get(partition) === undefined)) {
      await Promise.race([this.#news.promise, delay(MISSING_MS, undefined, { ref: false })])
      if (hasNews || stopping.aborted) return
      await this.#take(this.#membership, true)
    }
  }

  async #loseAll(held: readonly Partition[]): Promise<void> {
    this.#member.forget()
    const commit = async () => {
      this.#commits.tellUncommitted(held)
      return true
    }
    await this.#options.holding.give(held, commit, true)
    this.#isLost = false
    this.#membership = undefined
  }

  #endFenced(): void {
    const { state, timing } = this.#options
    state.phase = 'failed'
    const reason = `another process has joined as ${timing.groupInstanceId}`
    state.emit({ type: 'fenced', groupId: state.options.groupId, reason })
  }

  /** Joins until nothing has to be given up any more. */
  async #settle(): Promise<void> {
    const { reading, state, topics, look, stopping } = this.#options
    if (reading.all().length === 0) state.phase = 'joining'
    for (let failures = 0; !stopping.aborted; ) {
      // A topic that was made again since the last look is new to those who get its partitions.
      if (reading.all().length > 0) await look()
      if (this.#isLost || this.#member.isFenced) await this.#loseAll(reading.all())
      if (this.#member.isFenced) return
      this.#news = Promise.withResolvers<void>()
      if (!(await this.#giveStale(failures))) {
        await this.#backOff(failures++)
        continue
      }
      const membership = await this.#member.join(topics.names(), reading.all())
      if (stopping.aborted) return
      if (membership === 'lost') this.#stand('lost')
      if (typeof membership === 'string') continue
      state.answered()
      this.#membership = membership
      this.#session.isMoreToCome = membership.isMoreToCome
      this.#session.begin()
      const wanted = new Set(membership.partitions.map(partitionName))
      const leaving = () => reading.all().filter((partition) => !wanted.has(partitionName(partition)))
      // Drained for somebody else, whom the group had not told yet when it thought better of it.
      const returned = reading.all().filter((partition) => partition.isClosed && wanted.has(partitionName(partition)))
      const isDone = returned.length === 0 || (await this.#give(returned))
      if (isDone) {
        await this.#take(membership)
        state.phase = 'running'
        if (leaving().length === 0) return
      }
      // What could not be committed is not given up. Joining again at once would change nothing.
      if (!isDone || !(await this.#give(leaving()))) await this.#backOff(failures++)
    }
  }

  /**
   * Commits their start first: the member that takes one may have joined too late to know that the topic is new. False if
   * the coordinator did not take it and should be asked again, as while it knows less of the topic than this member.
   */
  async #giveStale(failures: number): Promise<boolean> {
    const { reading, holding, topics } = this.#options
    const stale = reading.all().filter((partition) => topics.isStale(partition))
    if (stale.length === 0) return true
    const starts = stale.map(({ topic, partition }) => ({
      ...{ topic, partition, offset: 0n },
      note: commitNote(this.#member.generation, topics.idOf(topic)),
    }))
    const { standing, refused } = await this.#member.commit(starts)
    this.#stand(standing)
    const isTaken = standing === 'member' && refused.length === 0
    if (!isTaken && !this.#isLost && failures < STALE_TRIES) return false
    await holding.give(stale, async () => true)
    return true
  }

  #give(partitions: readonly Partition[]): Promise<boolean> {
    return this.#options.holding.give(partitions, async () => {
      await this.#commits.commitLast(partitions)
      if (this.#isLost) this.#commits.tellUncommitted(partitions)
      return this.#isLost || partitions.every((partition) => this.#commits.isDone(partition))
    })
  }

  async #take({ partitions, generation, isAlone }: Membership, isAgain = false): Promise<void> {
    const { cluster, reading, holding, state, topics, look, stopping } = this.#options
    const added = partitions.filter((partition) => reading.get(partition) === undefined)
    // The leader of the group has seen partitions that this member has not seen yet.
    if (topics.led(added).length < added.length) await look()
    const led = topics.led(added)
    const all = topics.all().filter(({ topic }) => led.some((each) => each.topic === topic))
    const answers = all.length === 0 ? [] : await this.#member.committed(all)
    const { known, isNew, isKept, noteOf } = groupPast({ answers, generation, topics })
    const isMoving = this.#isFirst && isAlone
    const isFound = topics.isFound.bind(topics)
    const starts = await startsOf(cluster, led, { start: state.options.start, known, isMoving, isNew, isFound })
    if (stopping.aborted || this.#isLost || (isAgain && starts.length === 0)) return
    this.#isFirst &&= starts.length < added.length
    const taken = starts.map((start) => {
      const isAllKept = isKept(start)
      this.#commits.note(start, noteOf(start), isAllKept)
      const committed = known.get(partitionName(start))
      return { ...start, topicId: topics.idOf(start.topic), committed, isKept: isAllKept }
    })
    const taking = holding.take(taken, stopping)
    // Or "latest" would be a later one after a restart.
    await this.#commits.commit(reading.all())
    await taking
  }

  #stand(standing: Standing): void {
    if (standing === 'member') return
    this.#session.isMoreToCome = false
    if (standing === 'lost') {
      this.#isLost = true
      for (const partition of this.#options.reading.all()) partition.close()
    }
    this.#news.resolve()
  }
}
