/** A record as a model of a partition keeps it. */
export interface KeptRecord {
  readonly value: string
  readonly timestampMs: number
}

/** What the header of a record batch says of its producer. */
interface Numbers {
  readonly id: bigint
  readonly epoch: number
  readonly first: number
  readonly last: number
}

interface ProducerState {
  epoch: number
  /** The last five batches. */
  batches: { readonly first: number; readonly last: number; readonly offset: bigint }[]
}

export interface Appended {
  readonly error: number
  readonly offset?: bigint
  readonly refused?: readonly { readonly index: number; readonly message: string }[]
}

const BATCHES_KEPT = 5
const LAST_NUMBER = 2 ** 31 - 1

/**
 * The log of one partition, with Kafka's rules for the numbers of producers: a batch that it has is not stored again, one
 * that does not follow is refused, one of an older epoch too. It takes any number from a
 * producer that it does not know.
 */
export class ModelPartition {
  leader: number
  maxBatchBytes = Number.POSITIVE_INFINITY
  /** Records with a later time are refused. */
  latestMs = Number.POSITIVE_INFINITY
  /** Whether a refusal names the records. */
  namesRefused = true
  readonly log: KeptRecord[] = []
  readonly epochs: number[] = []
  #producers = new Map<bigint, ProducerState>()

  constructor(leader: number) {
    this.leader = leader
  }

  get values(): string[] {
    return this.log.map(({ value }) => value)
  }

  /** As after an unclean election: the last records are gone, and what the log knows of producers. */
  truncate(length: number): void {
    this.log.length = length
    for (const state of this.#producers.values()) state.batches = state.batches.filter(({ offset }) => offset < length)
  }

  forgetProducers(): void {
    this.#producers = new Map()
  }

  /** Somebody else has our id, in a later epoch. */
  fence(id: bigint, epoch: number): void {
    this.#producers.set(id, { epoch, batches: [] })
  }

  append(batch: Buffer): Appended {
    if (batch.length > this.maxBatchBytes) return { error: 10 }
    const records = recordsOf(batch)
    const late = records.flatMap(({ timestampMs }, index) =>
      timestampMs > this.latestMs ? [{ index, message: `late: ${timestampMs}` }] : [],
    )
    if (late.length > 0) return { error: 32, refused: this.namesRefused ? late : [] }
    const numbers = numbersOf(batch)
    const state = this.#producers.get(numbers.id)
    const known =
      state?.epoch === numbers.epoch
        ? state.batches.find(({ first, last }) => first === numbers.first && last === numbers.last)
        : undefined
    if (known !== undefined) return { error: 0, offset: known.offset }
    const error = numbers.id < 0n ? 0 : errorOf(state, numbers)
    if (error !== 0) return { error }
    const offset = BigInt(this.log.length)
    this.log.push(...records)
    if (numbers.id >= 0n) this.#note(numbers, offset)
    return { error: 0, offset }
  }

  #note({ id, epoch, first, last }: Numbers, offset: bigint): void {
    this.epochs.push(epoch)
    const state = this.#producers.get(id)
    const before = state?.epoch === epoch ? state.batches : []
    this.#producers.set(id, { epoch, batches: [...before, { first, last, offset }].slice(-BATCHES_KEPT) })
  }
}

function errorOf(state: ProducerState | undefined, { epoch, first }: Numbers): number {
  if (state === undefined) return 0
  if (epoch < state.epoch) return 47
  if (epoch > state.epoch) return first === 0 ? 0 : 45
  const last = state.batches.at(-1)?.last
  const next = last === undefined ? 0 : last === LAST_NUMBER ? 0 : last + 1
  return first === next ? 0 : 45
}

function numbersOf(batch: Buffer): Numbers {
  const first = batch.readInt32BE(53)
  const last = (first + batch.readInt32BE(57) - 1) % (LAST_NUMBER + 1)
  return { id: batch.readBigInt64BE(43), epoch: batch.readInt16BE(51), first, last }
}

/** The batch is not compressed. */
function recordsOf(batch: Buffer): KeptRecord[] {
  const firstMs = Number(batch.readBigInt64BE(27))
  let at = 61
  const varint = (): number => {
    let zigzag = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = batch[at++] as number
      zigzag += (byte & 127) * scale
      if (byte < 128) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    }
  }
  return Array.from({ length: batch.readInt32BE(57) }, () => {
    const size = varint()
    const end = at + size
    at += 1
    const delayMs = varint()
    varint()
    const keyLength = varint()
    at += Math.max(0, keyLength)
    const length = varint()
    const value = batch.toString('utf8', at, at + length)
    at = end
    return { value, timestampMs: firstMs + delayMs }
  })
}
