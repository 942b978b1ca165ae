import { randomUUID } from 'node:crypto'
import { WholeTopic } from '../../consumers/whole-topic.ts'
import {
  type ControlRecord,
  controlKey,
  encodeControl,
  parseControl,
  settingOfKey,
} from '../../schemas/control/control-record.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { Alarm } from '../../src/alarm.ts'
import { type Batch, type Broker, BrokerError, type BrokerEvent, type Producer } from '../../src/broker/port.ts'
import type { Clock } from '../../src/clock.ts'
import {
  again,
  type ControlAsk,
  ControlState,
  isInForce,
  type RefusedRecord,
  recordAfter,
} from '../../src/control/control-state.ts'
import { aborted, inTime, type Timer } from '../../src/timer.ts'

export interface ControlOptions {
  readonly broker: Broker
  /** Stays open when the control is closed. */
  readonly producer: Pick<Producer, 'sendBatch' | 'partitions'>
  readonly topic: string
  readonly service: string
  /** Tells the readers of a service apart. */
  readonly reader: string
  readonly clock: Clock
  readonly random: () => number
  readonly timer?: Timer
  readonly writeMs?: number
  /** Each setting that is followed, with a check of its values: why one is not allowed, or undefined. */
  readonly settings: Readonly<Record<string, (value: ControlRecord['value']) => string | undefined>>
  /** A record is in force now. It must not throw. */
  readonly onSet: (setting: string, record: ControlRecord) => void
  /** A record of the service whose setting is none of `settings`. It must not throw. */
  readonly onOther?: (setting: string, value: Buffer) => void
  /** A record was passed over; what was in force stays. */
  readonly onRefused: (refusal: ControlRefusal) => void
  readonly onEvent: (event: BrokerEvent) => void
}

export interface ControlRefusal {
  readonly reason: string
  readonly detail: string
}

export type Asked = Pick<ControlAsk, 'value' | 'by' | 'reason' | 'forced'>

/** `lost`: another operator was faster; `winner` is in force. `failed`: Kafka did not take it, or did not give it back in time. */
export type Written =
  | { readonly status: 'won'; readonly record: ControlRecord }
  | { readonly status: 'lost'; readonly winner: ControlRecord }
  | { readonly status: 'failed'; readonly reason: string }

/** A set waits so long for what others have set, and again so long until its own value is read back; unless `writeMs` is given. */
const WRITE_MS = 10_000
/** A reader that finds the record in force hidden writes it again after this time and up to as much more, unless another did. */
const AGAIN_MS = 500
/** So often a value is written anew because the one before it was written again meanwhile. */
const ATTEMPTS = 10

/**
 * What operators set while nodes run, by the records of the control topic. Every node reads all of it and goes on reading.
 * Records take effect in the topic's order (src/control/control-state.ts), so that all nodes end with the same values.
 */
export class Control {
  readonly #options: ControlOptions
  readonly #topic: WholeTopic
  readonly #states = new Map<string, ControlState>()
  readonly #awaited = new Map<string, (written: Written) => void>()
  readonly #again: Alarm
  readonly #closing = new AbortController()
  #starting: Promise<void> | undefined
  #hasFollowed = false
  /** Settings whose records were read before all are: the last one counts, and those before it are history. */
  readonly #unheard = new Set<string>()

  constructor(options: ControlOptions) {
    this.#options = options
    const { broker, topic, service, reader, producer, onEvent } = options
    for (const setting of Object.keys(options.settings)) this.#states.set(setting, new ControlState())
    this.#again = new Alarm(() => void this.#writeAgain(), options.timer)
    this.#topic = new WholeTopic({
      ...{ broker, topic, onEvent },
      groupId: `forewarm.${service}.control.${reader}`,
      partitionsOf: (name) => producer.partitions(name),
      onRecord: (batch, record) => this.#read(batch, record),
      onMoved: () => {
        for (const state of this.#states.values()) state.hide()
        this.#planAgain()
      },
    })
  }

  /** Why what is set now would not be heard of; undefined if it would, as far as is known. */
  get trouble(): string | undefined {
    return this.#topic.trouble
  }

  /** The record in force; undefined if the topic has none. */
  current(setting: string): ControlRecord | undefined {
    return this.#states.get(setting)?.current
  }

  /** The record that is in force for those who accept its value, while this node does not. */
  refused(setting: string): RefusedRecord | undefined {
    return this.#states.get(setting)?.refused
  }

  /** Why none of the records that there are could be taken; undefined if there are none, or one is in force. */
  unread(setting: string): string | undefined {
    return this.#states.get(setting)?.unread
  }

  /** Resolves when all that was set before the call is in force here. Rejects if the topic cannot be read. */
  async follow(signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#closing.signal])
    this.#starting ??= this.#topic.start()
    try {
      await Promise.race([this.#starting, aborted(either)])
    } catch (error) {
      // The next call tries again.
      if (!either.aborted) this.#starting = undefined
      throw error
    }
    await this.#topic.readToEnd(either).finally(() => this.#hear())
    this.#hasFollowed = true
  }

  #hear(): void {
    for (const setting of this.#unheard) {
      const current = this.current(setting)
      if (current !== undefined) this.#options.onSet(setting, current)
    }
    this.#unheard.clear()
  }

  /**
   * Sets a value for all nodes of the service. `base`: the version that the operator has seen; whichever is in force unless
   * given. Never rejects.
   */
  async set(setting: string, asked: Asked, base?: number): Promise<Written> {
    const { topic, writeMs = WRITE_MS } = this.#options
    const late = AbortSignal.timeout(writeMs)
    let isKnown = false
    try {
      // A forced value does not wait until it is known what others have set.
      if (asked.forced !== true || !this.#hasFollowed) await this.follow(late)
      isKnown = true
      return await this.#setAfter(setting, asked, base)
    } catch (error) {
      if (!isKnown && late.aborted && !this.#closing.signal.aborted)
        return failed(`what others have set was not known in ${writeMs} ms: ${topic} was not read to its end`)
      const said = error instanceof Error ? error.message : String(error)
      const isForbidden = error instanceof BrokerError && error.code === 'not-authorized'
      return failed(isForbidden ? `${topic}: the right to READ or to WRITE it is missing: ${said}` : said)
    }
  }

  /** Stores a record under the key of a setting, one that `onOther` gets. Rejects if Kafka does not take it in time. */
  write(setting: string, value: Buffer, timeoutMs: number): Promise<unknown> {
    const { producer, topic, service } = this.#options
    const key = controlKey(service, setting)
    const partition = partitionOf(key, Math.max(1, this.#topic.partitions))
    return producer.sendBatch(topic, [{ partition, key, value }], timeoutMs)
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('closed'))
    this.#again.close()
    for (const resolve of this.#awaited.values()) resolve(failed('closed'))
    await this.#topic.stop()
  }

  async #setAfter(setting: string, asked: Asked, base: number | undefined): Promise<Written> {
    const state = this.#states.get(setting) ?? new ControlState()
    const seen = state.current
    if (base !== undefined && !isInForce(base, seen) && asked.forced !== true)
      return seen === undefined ? failed(`there is no version ${base}`) : { status: 'lost', winner: seen }
    for (let left = ATTEMPTS; ; left--) {
      const written = await this.#write(setting, recordAfter(state, this.#actOf(asked)))
      // What is in force was written again meanwhile, but nobody has set another.
      if (written.status === 'lost' && state.current?.id === seen?.id && left > 0) continue
      // Perhaps nobody else follows: a command that ends must not leave behind what has lost.
      if (state.isHidden) await inTime(this.#writeAgain(), undefined, { delayMs: AGAIN_MS })
      return written
    }
  }

  #actOf(asked: Asked): ControlAsk {
    return { id: randomUUID(), atMs: this.#options.clock.now(), ...asked }
  }

  async #write(setting: string, record: ControlRecord): Promise<Written> {
    const { topic, writeMs = WRITE_MS } = this.#options
    const untilMs = performance.now() + writeMs
    const { promise, resolve } = Promise.withResolvers<Written>()
    this.#awaited.set(record.id, resolve)
    try {
      await this.#send(setting, record)
      const delayMs = untilMs - performance.now()
      return await inTime(promise, failed(`${topic} did not give it back in ${writeMs} ms`), { delayMs })
    } finally {
      this.#awaited.delete(record.id)
    }
  }

  /** What is not stored in time is given up: a value must not come into force long after its operator was told that it failed. */
  async #send(setting: string, record: ControlRecord): Promise<void> {
    await this.write(setting, encodeControl(record), this.#options.writeMs ?? WRITE_MS)
  }

  #read(batch: Batch, at: number): void {
    const { service, settings } = this.#options
    const setting = settingOfKey(batch.key(at), service)
    if (typeof setting !== 'string') {
      if (setting.reason !== 'other-service') this.#refuse(setting)
      return
    }
    const state = this.#states.get(setting)
    const check = settings[setting]
    const value = batch.value(at) ?? Buffer.alloc(0)
    if (state === undefined || check === undefined) {
      // A later version of the service may have more settings.
      this.#options.onOther?.(setting, value)
      return
    }
    const parsed = parseControl(value)
    const wrong = parsed.ok ? check(parsed.value.value) : undefined
    if (!parsed.ok || wrong !== undefined) {
      this.#refuse(parsed.ok ? { reason: 'bad-value', detail: wrong ?? '' } : parsed, setting)
      if (parsed.ok) state.refuse(parsed.value, wrong ?? '')
      else state.hide(parsed.detail)
    } else if (state.take(parsed.value) === 'taken') {
      this.#unheard.add(setting)
      if (this.#hasFollowed) this.#hear()
    }
    if (parsed.ok) this.#answer(parsed.value.id, state, wrong)
    this.#planAgain()
  }

  /** Whoever waits for the record of this id learns what became of it. */
  #answer(id: string, { current }: ControlState, wrong: string | undefined): void {
    const resolve = this.#awaited.get(id)
    if (resolve === undefined) return
    if (current === undefined || wrong !== undefined) resolve(failed(`the value is not allowed: ${wrong}`))
    else resolve(current.id === id ? { status: 'won', record: current } : { status: 'lost', winner: current })
  }

  #refuse({ reason, detail }: ControlRefusal, setting = ''): void {
    this.#options.onRefused({ reason, detail: setting === '' ? detail : `${setting}: ${detail}` })
  }

  #planAgain(): void {
    const isHidden = [...this.#states.values()].some((state) => state.isHidden)
    if (!isHidden) this.#again.clear()
    else if (!this.#again.isSet) this.#again.set(AGAIN_MS * (1 + this.#options.random()))
  }

  async #writeAgain(): Promise<void> {
    try {
      for (const [setting, { current, isHidden }] of this.#states)
        if (isHidden && current !== undefined) await this.#send(setting, again(current))
    } catch {
      // Kafka is away: tried again.
      this.#planAgain()
    }
  }
}

function failed(reason: string): Written {
  return { status: 'failed', reason }
}
