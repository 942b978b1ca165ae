import {
  encodeScheduleRun,
  parseScheduleRun,
  type RunKind,
  runOfSetting,
  runSetting,
  type ScheduleRun,
} from '../../schemas/control/schedule-run.ts'
import type { Clock } from '../../src/clock.ts'
import { ScheduleRuns } from '../../src/control/schedule-runs.ts'
import type { Control, ControlRefusal } from '../control/control.ts'

export interface RunLogOptions {
  readonly clock: Clock
  readonly onRefused: (refusal: ControlRefusal) => void
}

/** A schedule, and which of its runs are meant. */
export interface RunKey {
  readonly kind: RunKind
  readonly schedule: string
}

const WRITE_MS = 4_000
/** Records of schedules that nobody knows take no room. */
const MAX_SETTINGS = 256

/** The runs of all schedules of a service, in the control topic. */
export class RunLog {
  readonly #options: RunLogOptions
  readonly #runs = new ScheduleRuns()
  readonly #settings = new Set<string>()
  #control: Pick<Control, 'follow' | 'write'> | undefined
  /** Called for each record that is read. It must not throw. */
  onRun: ((key: RunKey, run: ScheduleRun) => void) | undefined

  constructor(options: RunLogOptions) {
    this.#options = options
  }

  /** The control whose `onOther` is `read`. */
  over(control: Pick<Control, 'follow' | 'write'>): void {
    this.#control = control
  }

  read(setting: string, value: Buffer): void {
    const key = runOfSetting(setting)
    if (key === undefined) return
    const parsed = parseScheduleRun(value)
    const refusal = parsed.ok ? this.#take(setting, parsed.value) : parsed
    if (refusal !== undefined)
      this.#options.onRefused({ reason: refusal.reason, detail: `${setting}: ${refusal.detail}` })
    else if (parsed.ok) this.onRun?.(key, parsed.value)
  }

  last({ kind, schedule }: RunKey): ScheduleRun | undefined {
    return this.#runs.last(runSetting(kind, schedule))
  }

  /** Resolves when all that was written before the call is known. Rejects if that cannot be read. */
  async readToEnd(signal: AbortSignal): Promise<void> {
    await this.#control?.follow(signal)
  }

  /** Rejects if Kafka does not take it within four seconds. */
  async write({ kind, schedule }: RunKey, run: ScheduleRun): Promise<void> {
    await this.#control?.write(runSetting(kind, schedule), encodeScheduleRun(run), WRITE_MS)
  }

  #take(setting: string, run: ScheduleRun): ControlRefusal | undefined {
    if (!this.#settings.has(setting) && this.#settings.size >= MAX_SETTINGS)
      return { reason: 'too-many', detail: `${MAX_SETTINGS} are known already` }
    const wrong = this.#runs.take(setting, run, this.#options.clock.now())
    if (wrong !== undefined) return { reason: 'bad-value', detail: wrong }
    this.#settings.add(setting)
    return undefined
  }
}
