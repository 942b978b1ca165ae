import { BatchError } from '../../batch-error.ts'
import { BrokerError, type OutgoingRecord, type Stored } from '../../port.ts'
import { estimateBytes } from './record-batch.ts'

/** One call of `sendBatch`. It is done when each of its records is stored or rejected. */
export class Send {
  /** The time of records that come without one. */
  readonly nowMs = Date.now()
  readonly #done = Promise.withResolvers<readonly Stored[]>()
  readonly #open = new Set<Batch>()
  readonly #stored: Stored[] = []
  readonly #failures = new Map<number, BrokerError>()

  constructor(records: readonly OutgoingRecord[]) {
    for (const content of byPartition(records)) this.#open.add(new Batch(this, content))
  }

  /** The batches that are neither stored nor rejected; at first one for each partition. */
  get open(): ReadonlySet<Batch> {
    return this.#open
  }

  get result(): Promise<readonly Stored[]> {
    return this.#done.promise
  }

  stored(batch: Batch, offset: bigint | undefined): void {
    if (!this.#open.has(batch)) return
    this.#stored.push({ partition: batch.partition, records: batch.records.length, offset })
    this.#close(batch, [])
  }

  /** Rejects records of a batch, by their index in it. `rest` has the other records. */
  failed(batch: Batch, failures: ReadonlyMap<number, BrokerError>, rest: readonly Batch[]): void {
    if (!this.#open.has(batch)) return
    for (const [index, error] of failures) this.#failures.set(batch.places[index] as number, error)
    this.#close(batch, rest)
  }

  #close(batch: Batch, rest: readonly Batch[]): void {
    this.#open.delete(batch)
    for (const part of rest) this.#open.add(part)
    if (this.#open.size > 0) return
    if (this.#failures.size === 0) this.#done.resolve(this.#stored)
    else this.#done.reject(new BatchError(this.#failures, this.#stored))
  }
}

interface BatchContent {
  readonly partition: number
  readonly records: readonly OutgoingRecord[]
  /** The index of each record in the call. */
  readonly places: readonly number[]
}

function byPartition(records: readonly OutgoingRecord[]): BatchContent[] {
  const first = records[0]?.partition ?? 0
  // A micro-batcher sends a partition at a time.
  if (records.every(({ partition }) => partition === first))
    return [{ partition: first, records, places: records.map((_, place) => place) }]
  const placesOf = new Map<number, number[]>()
  records.forEach(({ partition }, place) => {
    const places = placesOf.get(partition)
    if (places === undefined) placesOf.set(partition, [place])
    else places.push(place)
  })
  return [...placesOf].map(([partition, places]) => ({
    partition,
    places,
    records: places.map((place) => records[place] as OutgoingRecord),
  }))
}

/** Records of one call for one partition. They are sent together and get one answer. */
export class Batch implements BatchContent {
  readonly send: Send
  readonly partition: number
  readonly records: readonly OutgoingRecord[]
  readonly places: readonly number[]
  readonly estimatedBytes: number
  /** Whether it was cut from a larger batch. */
  readonly isPart: boolean
  /** Whether it was sent and no answer said that it is not stored. */
  mayBeStored = false

  constructor(send: Send, { partition, records, places }: BatchContent, whole?: Batch) {
    this.send = send
    this.partition = partition
    this.records = records
    this.places = places
    this.estimatedBytes = estimateBytes(records)
    this.isPart = whole !== undefined
    if (whole !== undefined) this.mayBeStored = whole.mayBeStored
  }

  /** False once its records are stored, rejected or in other batches. */
  get isOpen(): boolean {
    return this.send.open.has(this)
  }

  stored(offset: bigint | undefined): void {
    this.send.stored(this, offset)
  }

  fail(error: BrokerError): void {
    const told = this.mayBeStored ? inDoubt(error) : error
    this.send.failed(this, new Map(this.places.map((_, index) => [index, told])), [])
  }

  /** Two batches of half its records each, which take its place. */
  halved(): Batch[] {
    const middle = this.records.length >> 1
    return this.#cut(new Map(), [(index) => index < middle, (index) => index >= middle])
  }

  /** Rejects records by their index. A batch of the others takes its place, if there are others. */
  sifted(failures: ReadonlyMap<number, BrokerError>): Batch[] {
    return this.#cut(failures, [(index) => !failures.has(index)])
  }

  #cut(failures: ReadonlyMap<number, BrokerError>, belongs: readonly ((index: number) => boolean)[]): Batch[] {
    const { partition } = this
    const parts = belongs.map((isIn) => {
      const records = this.records.filter((_, index) => isIn(index))
      const places = this.places.filter((_, index) => isIn(index))
      return new Batch(this.send, { partition, records, places }, this)
    })
    const rest = parts.filter(({ records }) => records.length > 0)
    this.send.failed(this, failures, rest)
    return rest
  }
}

function inDoubt(error: BrokerError): BrokerError {
  const { code, message, retriable } = error
  return new BrokerError(code, `${message} (it may be stored)`, { retriable, cause: error })
}
