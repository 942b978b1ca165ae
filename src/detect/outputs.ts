import type { PriceUpdate } from '../../schemas/price-update.ts'
import { pairKey } from '../../schemas/topics.ts'
import { partitionName } from '../broker/partition-name.ts'
import type { BrokerError, Headers, OutgoingRecord, TopicPartitionOffset } from '../broker/port.ts'
import type { Counter, Metrics } from '../telemetry/slab.ts'
import type { Detector } from './detector.ts'

/** The headers of an output: who found it, in which record, and at which time of the market. */
export const OUTPUT_HEADERS = {
  detector: 'forewarm-detector',
  update: 'forewarm-update',
  eventTimeMs: 'forewarm-event-time-ms',
} as const

/** An update, and the record that it stands in. */
export interface FoundAt {
  readonly origin: TopicPartitionOffset
  readonly update: PriceUpdate
}

/** An output that was not published. The update goes on without it. */
export interface OutputRefusal extends FoundAt {
  readonly detector: string
  readonly output: string
  readonly reason: OutputRefused
  readonly detail: string
}

/**
 * Why an output was not published. `not-json`: JSON cannot say it. `too-late`: its handler had run out of time, so its
 * offset may have been committed. `replay`: the node's clock is that of a replay. The others are Kafka's reasons.
 */
export type OutputRefused = 'not-json' | 'too-late' | 'replay' | BrokerError['code']

/** Sends outputs in the order of the calls within each partition. */
export interface OutputSender {
  /** Resolves when Kafka has the record, or to why it never will. Never rejects; pending for ever once it is closed. */
  send(topic: string, chain: string, record: Omit<OutgoingRecord, 'partition'>): Promise<BrokerError | undefined>
  /** Must be awaited before more is found. Undefined while there is room. */
  room(): Promise<void> | undefined
  /** Whether Kafka has not taken all records. */
  readonly areWaiting: boolean
}

export interface OutputsOptions {
  readonly detectors: readonly Detector[]
  readonly metrics: Metrics
  /** Undefined in a replay that must not publish. */
  readonly sender: OutputSender | undefined
  readonly onRefused: (refusal: OutputRefusal) => void
}

/** What the detectors with an output topic return: it is written as JSON, published and counted. */
export class Outputs {
  readonly #options: OutputsOptions
  readonly #published: readonly Counter[]
  readonly #refused: Float64Array

  constructor(options: OutputsOptions) {
    const { detectors, metrics } = options
    this.#options = options
    this.#published = detectors.map(({ name }) => metrics.counter('detector_outputs_total', { detector: name }))
    this.#refused = new Float64Array(detectors.length)
  }

  /** Outputs that Kafka has, and those that were refused. */
  counts(index: number): { readonly outputs: number; readonly outputsRefused: number } {
    return { outputs: this.#published[index]?.value ?? 0, outputsRefused: this.#refused[index] ?? 0 }
  }

  get areWaiting(): boolean {
    return this.#options.sender?.areWaiting ?? false
  }

  room(): Promise<void> | undefined {
    return this.#options.sender?.room()
  }

  /** Publishes what a detector has returned. Resolves when Kafka has it or it is refused; undefined if neither takes time. */
  found(index: number, at: FoundAt, value: unknown): Promise<void> | undefined {
    const text = this.#jsonOf(index, at, value)
    const { sender, detectors } = this.#options
    if (text === undefined) return undefined
    if (sender === undefined)
      return this.#refuse(index, at, ['replay', 'a replay publishes only to a broker that it is given'])
    const { name = '', output = '' } = detectors[index] ?? {}
    const { chain, pair } = at.update
    const record = { key: pairKey(chain, pair), value: text, headers: headersOf(name, at) }
    return sender.send(output, chain, record).then((failure) => {
      if (failure === undefined) this.#published[index]?.add(1)
      else this.#refuse(index, at, [failure.code, failure.message])
    })
  }

  /** A handler that had run out of time has returned after all. */
  foundLate(index: number, at: FoundAt, value: unknown): void {
    if (this.#jsonOf(index, at, value) !== undefined)
      this.#refuse(index, at, ['too-late', 'its handler returned after DETECTOR_TIMEOUT_MS'])
  }

  /** Undefined if there is nothing to publish. */
  #jsonOf(index: number, at: FoundAt, value: unknown): string | undefined {
    if (this.#options.detectors[index]?.output === undefined || value === undefined || value === null) return undefined
    try {
      const text: string | undefined = JSON.stringify(value)
      // JSON writes NaN as null.
      if (text !== undefined && text !== 'null') return text
      return this.#refuse(index, at, ['not-json', `JSON has no ${typeof value === 'number' ? value : typeof value}`])
    } catch (error) {
      return this.#refuse(index, at, ['not-json', messageOf(error)])
    }
  }

  #refuse(index: number, at: FoundAt, [reason, detail]: readonly [OutputRefused, string]): undefined {
    const { name = '', output = '' } = this.#options.detectors[index] ?? {}
    this.#refused[index] = (this.#refused[index] ?? 0) + 1
    this.#options.metrics.counter('detector_outputs_refused_total', { detector: name, reason }).add(1)
    this.#options.onRefused({ ...at, detector: name, output, reason, detail })
  }
}

function headersOf(detector: string, { origin, update }: FoundAt): Headers {
  return [
    [OUTPUT_HEADERS.detector, Buffer.from(detector)],
    [OUTPUT_HEADERS.update, Buffer.from(`${partitionName(origin)}@${origin.offset}`)],
    [OUTPUT_HEADERS.eventTimeMs, Buffer.from(String(update.eventTimeMs))],
  ]
}

/** What a `toJSON` of the user's throws may throw in its turn when it is looked at. */
function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error)
  } catch {
    return 'it threw when it was written as JSON'
  }
}
