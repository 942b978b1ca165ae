import { Alarm } from '../../src/alarm.ts'
import type { Rollout } from '../../src/rollout/rollout.ts'
import {
  killRollout,
  ROLLOUT_SETTING,
  type RolloutAuthor,
  type RolloutControl,
  type RolloutOutcome,
} from '../../src/rollout/rollout-change.ts'
import type { RolloutValue } from '../../src/rollout/rollout-value.ts'
import type { Log } from '../../src/telemetry/log.ts'
import type { Timer } from '../../src/timer.ts'

type KillAuthor = Omit<RolloutAuthor, 'base'>

/** What is followed of the control topic, and can be read to its end. */
export interface FollowingControl extends RolloutControl {
  follow(signal: AbortSignal): Promise<void>
}

export interface KeptKillOptions {
  readonly rollout: Pick<Rollout, 'keepKill'>
  readonly configured: RolloutValue
  /** Undefined until Kafka has answered. */
  readonly control: () => FollowingControl | undefined
  readonly log: Log
  readonly timer?: Timer
}

interface Kept {
  readonly author: KillAuthor
  readonly sinceMs: number
}

/** The pause between two attempts. */
const AGAIN_MS = 1_000
/** An attempt waits so long for what others have set. */
const FOLLOW_MS = 4_000

/**
 * A kill that Kafka has not taken. It holds on this node, and is sent again until Kafka has a kill in force, an operator
 * lifts it here, or the node closes.
 */
export class KeptKill {
  readonly #options: KeptKillOptions
  readonly #alarm: Alarm
  readonly #closing = new AbortController()
  #kept: Kept | undefined
  #attempt: Promise<void> | undefined
  #lifts = 0

  constructor(options: KeptKillOptions) {
    this.#options = options
    this.#alarm = new Alarm(() => this.#send(), options.timer)
  }

  /** Keeps a kill that was asked for at this time, unless one is kept already. */
  keep(author: KillAuthor, sinceMs: number): void {
    if (this.#kept !== undefined) return
    const { rollout, log } = this.#options
    this.#kept = { author, sinceMs }
    rollout.keepKill(`it is killed here: Kafka has not taken the kill of ${author.by} yet, which is sent until it has`)
    log.warn({ ...author }, 'Kafka has not taken a kill: it holds on this node and is sent again')
    this.#plan()
  }

  /** Kafka has a kill in force, or an operator has lifted this one. */
  end(reason: string): void {
    if (this.#kept === undefined) return
    this.#options.log.info({ ...this.#kept.author }, `a kill that this node kept ends: ${reason}`)
    this.#kept = undefined
    this.#alarm.clear()
    this.#options.rollout.keepKill(undefined)
  }

  /**
   * Runs a change that lifts a kill. A kept kill is over even if Kafka does not take the change, as nobody else knows of
   * the kill. It stays if the change is refused, or another operator was faster.
   */
  async lift(change: () => Promise<RolloutOutcome>): Promise<RolloutOutcome> {
    this.#lifts++
    // A kill that is on its way would come into force after the change.
    await this.#attempt
    const outcome = await change()
    this.#lifts--
    const isKept = this.#kept !== undefined
    if (outcome.status === 'set' || outcome.status === 'failed') this.end('it was lifted here')
    else this.#plan()
    if (!isKept || outcome.status !== 'failed') return outcome
    return { status: 'failed', reason: `${outcome.reason}; but the kill that this node alone kept is lifted` }
  }

  close(): void {
    this.#closing.abort()
    this.#alarm.close()
    if (this.#kept !== undefined)
      this.#options.log.warn(
        { ...this.#kept.author },
        'a kill that Kafka has not taken is given up, as the node closes',
      )
  }

  #plan(): void {
    if (this.#kept !== undefined && this.#lifts === 0) this.#alarm.set(AGAIN_MS)
  }

  #send(): void {
    const control = this.#options.control()
    if (this.#lifts > 0 || this.#attempt !== undefined) return
    if (control === undefined) this.#plan()
    else
      this.#attempt = this.#tryOnce(control).finally(() => {
        this.#attempt = undefined
        this.#plan()
      })
  }

  async #tryOnce(control: FollowingControl): Promise<void> {
    try {
      await control.follow(AbortSignal.any([this.#closing.signal, AbortSignal.timeout(FOLLOW_MS)]))
    } catch {
      return
    }
    if (this.#kept === undefined || this.#lifts > 0) return
    if (hasTaken(control, this.#kept)) this.end('Kafka had taken it')
    else if (isInForce(await killRollout(control, this.#options.configured, this.#kept.author)))
      this.end('Kafka has taken it')
  }
}

/** Whether Kafka has a kill in force, whoever wins. */
export function isInForce(outcome: RolloutOutcome): boolean {
  return outcome.status === 'set' || (outcome.status === 'lost' && outcome.winner.killed)
}

/** An attempt whose answer was lost may have come into force, and may have been lifted since. */
function hasTaken(control: RolloutControl, { author, sinceMs }: Kept): boolean {
  const record = control.current(ROLLOUT_SETTING)
  if (record === undefined) return false
  const isOurs = [record, ...(record.past ?? [])].some(
    ({ value, by, atMs }) => value.killed === true && by === author.by && atMs >= sinceMs,
  )
  return isOurs || record.value.killed === true
}
