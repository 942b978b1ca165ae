import type { Producer } from '../../src/broker/port.ts'

const EVERY_MS = 10

export interface LoadOptions {
  readonly producer: Producer
  readonly topic: string
  readonly partitions: number
  readonly recordsPerSecond: number
  /** The values are this and a number. */
  readonly prefix: string
}

/** Sends numbered records at a pace, to the partitions in turn, until it is stopped. */
export class PacedLoad {
  /** The values whose storage the broker has acknowledged. */
  readonly acknowledged: string[] = []
  /** May grow while it runs. */
  partitions: number
  readonly #options: LoadOptions
  readonly #timer: NodeJS.Timeout
  readonly #beganMs = performance.now()
  readonly #pending = new Set<Promise<void>>()
  #sent = 0

  constructor(options: LoadOptions) {
    this.#options = options
    this.partitions = options.partitions
    this.#timer = setInterval(() => this.#sendDue(), EVERY_MS)
  }

  /** Resolves when every record sent is acknowledged or refused. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#pending)
  }

  #sendDue(): void {
    const { recordsPerSecond, prefix, topic, producer } = this.#options
    const due = Math.floor(((performance.now() - this.#beganMs) * recordsPerSecond) / 1000)
    if (due === this.#sent) return
    const records = Array.from({ length: due - this.#sent }, (_, at) => {
      const number = this.#sent + at
      return { partition: number % this.partitions, value: `${prefix}${number}` }
    })
    this.#sent = due
    const sending = producer.sendBatch(topic, records).then(
      () => void this.acknowledged.push(...records.map(({ value }) => value)),
      // A refused record may or may not be stored.
      () => undefined,
    )
    this.#pending.add(sending)
    void sending.then(() => this.#pending.delete(sending))
  }
}
