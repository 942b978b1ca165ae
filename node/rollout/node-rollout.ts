import { Alarm } from '../../src/alarm.ts'
import { BrokerError, type BrokerEvent } from '../../src/broker/port.ts'
import type { RunningConfig } from '../../src/config/running/running-config.ts'
import type { Config } from '../../src/config/settings.ts'
import type { Check } from '../../src/http/operations.ts'
import { ROLLOUT_SETTING, rolloutOf } from '../../src/rollout/rollout-change.ts'
import { wholeRollout } from '../../src/rollout/rollout-value.ts'
import type { Log } from '../../src/telemetry/log.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import { Control, type ControlOptions, type ControlRefusal } from '../control/control.ts'
import { passedOver, unknownRollout } from '../control/passed-over.ts'
import { CONFIG_SETTING, configFault } from '../control/shared-config.ts'
import type { Caches } from '../options.ts'

export interface FollowedControlOptions
  extends Pick<ControlOptions, 'broker' | 'producer' | 'clock' | 'random' | 'timer' | 'onOther'> {
  readonly config: Config
  readonly running: RunningConfig
  readonly caches: Pick<Caches, 'rollout'>
  readonly nodeId: string
  readonly metrics: Metrics
  readonly log: Log
  readonly onEvent: (event: BrokerEvent) => void
  readonly followMs?: number
}

/** A start waits so long for the control topic, and tries again as often. */
const FOLLOW_MS = 5_000
/** Both waits of a set together are shorter than a handler over HTTP may take. */
const WRITE_MS = 4_000
const NOT_READ = 'what operators have set is not known yet: the control topic was not read to its end'

/** Follows what operators set for the service. While that is not known, nothing is warmed: it may be killed. */
export class FollowedControl {
  readonly #options: FollowedControlOptions
  readonly control: Control
  readonly #retry: Alarm
  readonly #closing = new AbortController()
  /** Why the topic cannot be followed; undefined if it is. */
  #trouble: string | undefined = NOT_READ

  constructor(options: FollowedControlOptions) {
    const { config, running, caches, nodeId, metrics } = options
    this.#options = options
    caches.rollout.withhold(NOT_READ)
    this.#retry = new Alarm(() => void this.follow(), options.timer)
    this.control = new Control({
      ...options,
      topic: config.kafka.controlTopic,
      service: config.node.service,
      reader: nodeId,
      writeMs: WRITE_MS,
      settings: {
        [ROLLOUT_SETTING]: (value) => errorOf(wholeRollout(value)),
        [CONFIG_SETTING]: (value) => configFault(running, value),
      },
      onSet: (setting, record) => {
        if (setting === CONFIG_SETTING) {
          running.control(record.value)
          return
        }
        const value = rolloutOf(record)
        if (value !== undefined) caches.rollout.set(value)
        this.#withholdUnknown(undefined)
        this.#tell(record.by, record.reason)
      },
      onRefused: (refusal) => {
        metrics.counter('control_records_refused_total', { reason: refusal.reason }).add(1)
        this.#refused(refusal)
      },
    })
  }

  /** Resolves when what operators have set is in force, or will not be for now. Never rejects. */
  async follow(): Promise<void> {
    const { caches, log, config, followMs = FOLLOW_MS } = this.#options
    const topic = config.kafka.controlTopic
    try {
      await this.control.follow(AbortSignal.any([AbortSignal.timeout(followMs), this.#closing.signal]))
      if (this.#trouble !== undefined && this.#trouble !== NOT_READ)
        log.info({ topic }, 'the control topic is followed')
      this.#trouble = undefined
      this.#withholdUnknown(unknownRollout(this.control))
    } catch (error) {
      if (this.#closing.signal.aborted) return
      const reason = error instanceof Error ? error.message : String(error)
      // Without the topic, or the right to it, nobody can have set anything that this node would ever know of.
      const isAbsent = error instanceof BrokerError && ['not-authorized', 'unknown-topic'].includes(error.code)
      const trouble = isAbsent ? `going by the settings: ${reason}` : `${NOT_READ} (${reason})`
      if (trouble !== this.#trouble)
        log.warn({ topic, reason }, isAbsent ? 'the rollout goes by the settings' : NOT_READ)
      this.#trouble = trouble
      caches.rollout.withhold(isAbsent ? undefined : NOT_READ)
      this.#retry.set(followMs)
    }
  }

  check(): Check {
    const name = 'control'
    const trouble = this.#trouble ?? this.control.trouble ?? passedOver(this.control)
    return trouble === undefined ? { name, status: 'ok' } : { name, status: 'degraded', reason: trouble }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#retry.close()
    await this.control.close()
  }

  /** A rollout that cannot be read may be a kill. A node that knew before what was set goes on by that. */
  #withholdUnknown(unknown: string | undefined): void {
    const { caches, log } = this.#options
    if (unknown !== undefined) log.warn(unknown)
    if (this.#trouble === undefined) caches.rollout.withhold(unknown)
  }

  #tell(by: string, reason: string | undefined): void {
    const { caches, log } = this.#options
    const { mode, offBecause, value } = caches.rollout
    const { mode: _, ...set } = value
    log.info({ mode, ...(offBecause !== undefined && { offBecause }), ...set, by, reason }, 'the rollout was set')
  }

  #refused({ reason, detail }: ControlRefusal): void {
    this.#options.log.warn({ reason, detail }, 'a control record was passed over: what was set before stays')
  }
}

function errorOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
