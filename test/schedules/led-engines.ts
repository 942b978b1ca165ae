import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import type { RunRecord, Timed } from '../../src/schedules/course.ts'
import { ScheduleEngine } from '../../src/schedules/engine.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

/** An election takes as long as Kafka needs to miss a member. */
const ELECTION_MS = 10_000
const RESTART_MS = 300_000
/** A run asks for its warms after so long, and its end is known after so long again. */
export const STEP_MS = 1_000

interface Member {
  readonly engine: ScheduleEngine<Timed, void>
  isDead: boolean
}

/**
 * Several engines of which one leads. The first that lives is elected. All see the same records of runs, and whoever warms
 * takes a request with a known id for the one that it has had.
 */
export class LedEngines {
  readonly clock: VirtualClock
  readonly timer: ManualTimer
  /** When each run was carried out, by its id: once, whoever asks again. */
  readonly carriedOut = new Map<string, number>()
  /** Requests for a run that was carried out already. */
  repeated = 0
  readonly #schedules: readonly Timed[]
  readonly #records = new Map<string, RunRecord>()
  readonly #members: Member[] = []
  #leader: Member | undefined

  constructor(schedules: readonly Timed[], startMs: number) {
    this.#schedules = schedules
    this.clock = virtualClock(startMs)
    this.timer = new ManualTimer(this.clock)
  }

  /** The clocks of machines differ. */
  addMember(skewMs: number): void {
    const { timer, clock } = this
    const member: Member = {
      isDead: false,
      engine: new ScheduleEngine<Timed, void>({
        ...{
          schedules: this.#schedules,
          clock: { now: () => clock.now() + skewMs },
          timer: timer.start,
          elected: true,
        },
        lastRun: ({ name }) => this.#records.get(name),
        run: (schedule, scheduledMs) => this.#run(member, schedule.name, scheduledMs),
      }),
    }
    member.engine.start()
    this.#members.push(member)
    if (this.#leader === undefined) timer.start(ELECTION_MS, () => this.#elect())
  }

  /** The leader is gone at once, and what it was doing with it. It comes back as another member. */
  killLeader(skewMs: number): void {
    const leader = this.#leader
    if (leader === undefined) throw new Error('nobody leads')
    leader.isDead = true
    leader.engine.stop()
    this.#members.splice(this.#members.indexOf(leader), 1)
    this.#leader = undefined
    this.timer.start(ELECTION_MS, () => this.#elect())
    this.timer.start(RESTART_MS, () => this.addMember(skewMs))
  }

  stop(): void {
    for (const { engine } of this.#members) engine.stop()
  }

  #elect(): void {
    if (this.#leader !== undefined) return
    this.#leader = this.#members[0]
    this.#leader?.engine.lead()
  }

  async #run(member: Member, name: string, scheduledMs: number): Promise<void> {
    this.#records.set(name, { scheduledMs, state: 'begun' })
    await this.#step()
    if (member.isDead) return
    const id = idOf(name, scheduledMs)
    if (this.carriedOut.has(id)) this.repeated++
    else this.carriedOut.set(id, this.clock.now())
    await this.#step()
    if (!member.isDead) this.#records.set(name, { scheduledMs, state: 'done' })
  }

  #step(): Promise<void> {
    return new Promise((resolve) => this.timer.start(STEP_MS, resolve))
  }
}

export function idOf(name: string, scheduledMs: number): string {
  return `${new Date(scheduledMs).toISOString().slice(0, 16)} ${name}`
}

export function scheduledOf(id: string): number {
  return Date.parse(`${id.slice(0, 16)}Z`)
}
