import { setImmediate as nextTurn } from 'node:timers/promises'
import { partitionOf } from '../schemas/topics.ts'
import { failuresOf } from '../src/broker/batch-error.ts'
import type { Producer } from '../src/broker/port.ts'
import type { IsLeaving, KeptRecord, TakeLimits, UnwrittenLeaders } from '../src/correlation/kept/unwritten-leaders.ts'

export interface CorrelationsWriterOptions {
  readonly producer: Pick<Producer, 'sendBatch'>
  readonly topic: string
  /** The topic's number of partitions at the moment. A chain's hash gives its partition. */
  readonly partitions: () => number
  readonly unwritten: Pick<UnwrittenLeaders, 'take' | 'putBack'>
  readonly onWritten: (records: number) => void
  /** `lost`: the records that are not written later, as another node may have their leaders by now. */
  readonly onFailed: (lost: number, error: unknown) => void
}

/**
 * At each commit, so many of a node's pairs are looked at, and so many written: half a percent of a core at most. The
 * others come at the next commits.
 */
const AT_A_COMMIT: TakeLimits = { records: 256, places: 1_024, difference: 'clear' }
const AT_THE_END: TakeLimits = { records: 512, places: Number.POSITIVE_INFINITY, difference: 'any' }

/** Writes what a node has learned of leaders to the topic of correlations. Never rejects. */
export class CorrelationsWriter {
  readonly #options: CorrelationsWriterOptions
  #writing: Promise<boolean> | undefined

  constructor(options: CorrelationsWriterOptions) {
    this.#options = options
  }

  /** Writes some of what has changed, unless that is going on already. */
  async writeSome(): Promise<void> {
    this.#writing ??= this.#write(this.#take(AT_A_COMMIT)).finally(() => {
      this.#writing = undefined
    })
    await this.#writing
  }

  /** Writes all that has changed of these leaders, as long as it is not late. Resolves when what was sent is stored, or refused. */
  async writeAll(untilMs: number, isLeaving: IsLeaving): Promise<void> {
    await this.#writing
    const sent: Promise<boolean>[] = []
    let hasFailed = false
    for (let isMore = true; isMore && !hasFailed && performance.now() < untilMs; ) {
      const records = this.#take({ ...AT_THE_END, isLeaving })
      isMore = records.length === AT_THE_END.records
      const writing = this.#write(records)
      sent.push(writing)
      void writing.then((isStored) => {
        hasFailed ||= !isStored
      })
      // A hundred thousand leaders take a second: others have their turns meanwhile.
      await nextTurn()
    }
    await Promise.all(sent)
  }

  /** Nobody waits for a commit's records, so an exception, which only a bug throws, ends here. */
  #take(limits: TakeLimits): readonly KeptRecord[] {
    try {
      return this.#options.unwritten.take(limits)
    } catch (error) {
      this.#options.onFailed(0, error)
      return []
    }
  }

  async #write(records: readonly KeptRecord[]): Promise<boolean> {
    const { producer, topic, partitions, unwritten, onWritten, onFailed } = this.#options
    if (records.length === 0) return true
    try {
      await producer.sendBatch(
        topic,
        records.map(({ chain, key, value }) => ({ partition: partitionOf(chain, partitions()), key, value })),
      )
      onWritten(records.length)
      return true
    } catch (error) {
      const failureOf = failuresOf(error)
      const failed = records.filter((_, place) => failureOf(place) !== undefined)
      onWritten(records.length - failed.length)
      onFailed(unwritten.putBack(failed), error)
      return false
    }
  }
}
