import { Alarm } from '../../../alarm.ts'
import type { Partition } from '../fetch/partition.ts'
import type { GroupMember, Standing } from '../group/member.ts'
import type { ConsumerState } from './consumer-state.ts'
import type { Reading } from './reading.ts'
import type { ConsumerTiming } from './timing.ts'

export interface SessionOptions {
  readonly member: GroupMember
  readonly reading: Reading
  readonly state: ConsumerState
  readonly timing: ConsumerTiming
  readonly stopping: AbortSignal
  readonly commit: () => void
  /** Gets what an answer to a heartbeat means for the member. */
  readonly onStanding: (standing: Standing) => void
}

/** While the group is about to rebalance once more, it is asked so often whether it does. */
const MORE_TO_COME_MS = 20

/**
 * Keeps a member in its group, by heartbeats and commits. Neither is sent while a handler is stuck, so that others get
 * its partition. Without an answer for the time of a session, handlers are interrupted and get no more records until
 * there is one, and the connections to the coordinator are given up.
 */
export class Session {
  isMoreToCome = false
  readonly #options: SessionOptions
  readonly #fence = new Alarm(() => this.#watch())
  #timers: NodeJS.Timeout[] = []
  #beating: Promise<void> | undefined
  #stuck = new Set<Partition>()
  #isSilent = false

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /**
   * Whether a record may begin to be handled. If the coordinator has not been heard of for the time of a session, others
   * may have the partitions.
   */
  get mayHandle(): boolean {
    return this.#leftMs > 0
  }

  get isStuck(): boolean {
    return this.#stuck.size > 0
  }

  /** Called after each join; the first one counts. */
  begin(): void {
    if (this.#timers.length > 0) return
    const { timing, commit } = this.#options
    this.#timers = [
      setInterval(() => void this.#beatUnlessStuck(), timing.heartbeatIntervalMs),
      setInterval(() => this.isMoreToCome && void this.beat(), MORE_TO_COME_MS),
      setInterval(commit, timing.commitIntervalMs),
    ]
    this.#watch()
  }

  /** It may begin again. */
  end(): void {
    this.#fence.clear()
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
  }

  /** Never rejects. */
  async beat(): Promise<void> {
    if (this.isStuck) return
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined
    })
    await this.#beating
  }

  get #leftMs(): number {
    return this.#options.member.heardAtMs + this.#options.timing.sessionTimeoutMs - performance.now()
  }

  #watch(): void {
    const { reading, member, timing } = this.#options
    const leftMs = this.#leftMs
    const isSilent = leftMs <= 0
    if (isSilent) for (const partition of reading.all()) partition.interrupt()
    if (isSilent && !this.#isSilent) member.hangUp()
    this.#isSilent = isSilent
    this.#fence.set(isSilent ? timing.heartbeatIntervalMs : Math.ceil(leftMs))
  }

  async #beatUnlessStuck(): Promise<void> {
    const nowMs = performance.now()
    const { reading, timing, state } = this.#options
    const stuck = reading.all().filter(({ inHand }) => (inHand?.idleMs(nowMs) ?? 0) > timing.stuckAfterMs)
    for (const partition of stuck)
      if (!this.#stuck.has(partition) && partition.inHand !== undefined) state.reportStuck(partition.inHand)
    this.#stuck = new Set(stuck)
    await this.beat()
  }

  async #beat(): Promise<void> {
    const { stopping, state, member, reading, onStanding } = this.#options
    if (member.generation < 0) return
    try {
      onStanding(await member.beat())
      state.answered()
      for (const partition of reading.all()) partition.hand()
    } catch (error) {
      if (!stopping.aborted) state.unanswered(error)
    }
  }
}
