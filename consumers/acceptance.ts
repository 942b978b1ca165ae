import type { DeadLetter } from './loop.ts'

/** A topic nearly all of whose records are refused, with the first of them. */
export interface ForeignTopic {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly reason: string
  readonly detail: string
}

/** Is told when the verdict on a topic changes. */
export interface Verdicts {
  topicForeign(topic: ForeignTopic): void
  topicFamiliar(topic: string): void
}

interface Counts {
  handled: number
  refused: number
  first: ForeignTopic | undefined
  isForeign: boolean
}

/** A topic is judged when so many of its records were handled. */
const FEW = 20
/** Older records count half after so many, so that the judgement follows a feed that was mended. */
const MANY = 1_000
const FOREIGN_SHARE = 0.9
const FAMILIAR_SHARE = 0.5

/**
 * Notices a topic of records in a format that this node does not read. Each record is a dead letter with its reason, but a
 * topic that yields nothing is a mistake of somebody's: the node says so once, and is degraded while it lasts.
 */
export class Acceptance {
  readonly #topics = new Map<string, Counts>()
  readonly #verdicts: Verdicts

  constructor(verdicts: Verdicts) {
    this.#verdicts = verdicts
  }

  /** The topics that are foreign now. */
  get foreign(): readonly ForeignTopic[] {
    return [...this.#topics.values()].flatMap(({ isForeign, first }) => (isForeign && first ? [first] : []))
  }

  refused({ batch, index, reason, detail }: DeadLetter): void {
    const { topic, partition } = batch
    const counts = this.#countsOf(topic)
    counts.refused++
    counts.first ??= { topic, partition, offset: batch.offset(index), reason, detail }
  }

  /** Called for each batch, with the number of its records. */
  handled(topic: string, records: number): void {
    const counts = this.#countsOf(topic)
    counts.handled += records
    if (counts.handled >= FEW) this.#judge(topic, counts)
    if (counts.handled < MANY) return
    counts.handled /= 2
    counts.refused /= 2
  }

  /** The topic's partitions have gone to others, or it was made again. */
  forget(topic: string): void {
    this.#topics.delete(topic)
  }

  #judge(topic: string, counts: Counts): void {
    const share = counts.refused / counts.handled
    if (!counts.isForeign && share >= FOREIGN_SHARE && counts.first !== undefined) {
      counts.isForeign = true
      this.#verdicts.topicForeign(counts.first)
    } else if (share < FAMILIAR_SHARE) {
      if (counts.isForeign) this.#verdicts.topicFamiliar(topic)
      counts.isForeign = false
      counts.first = undefined
    }
  }

  #countsOf(topic: string): Counts {
    let counts = this.#topics.get(topic)
    if (counts === undefined) {
      counts = { handled: 0, refused: 0, first: undefined, isForeign: false }
      this.#topics.set(topic, counts)
    }
    return counts
  }
}
