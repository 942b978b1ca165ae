import { murmur2 } from '../../../schemas/topics.ts'

export interface Source {
  readonly topic: string
  /** WHOLE stands for all of them. */
  readonly partition: number
}

/** In place of a partition's number: the topic as a whole. */
export const WHOLE = -1
/** In place of a topic's name: all of them. */
export const ALL_TOPICS = '*'
/** The code of values whose pair has sources of several topics, in L2. */
export const MIXED = 0xffff_ffff
/** The lowest bits of a code stand for the partition, and 0 for the topic as a whole; the others are a hash of the topic. */
export const PARTITION_BITS = 12
/** How many partitions of a topic have codes of their own. */
export const MAX_CODED = 2 ** PARTITION_BITS - 2

/**
 * The 32 bits that stand for sources in L2, the same on every node. Two partitions of a topic are seen to be of one topic
 * without its name (redis/library.ts).
 */
export class SourceCodes {
  /** The code of each source, by its number. */
  readonly #codes: number[] = [0]
  readonly #sources = new Map<number, number>()
  /** Topics whose code another topic has. Nobody can tell whose the values in L2 are that have it. */
  clashes = 0

  add(id: number, source: Source): void {
    const code = codeOf(source)
    this.#codes[id] = code
    // A partition without a code of its own has that of its topic.
    if (source.partition >= MAX_CODED) return
    // If two sources have one code, values that name it have an unknown source.
    if (source.partition === WHOLE && this.#sources.has(code)) this.clashes++
    this.#sources.set(code, this.#sources.has(code) ? 0 : id)
  }

  of(id: number): number {
    return this.#codes[id] ?? 0
  }

  /** 0 if it is unknown. */
  sourceOf(code: number): number {
    return this.#sources.get(code) ?? 0
  }

  /** The topic as a whole, of a code whose partition may be unknown here; 0 if the topic is. */
  wholeOf(code: number): number {
    return this.sourceOf(code - (code % 2 ** PARTITION_BITS))
  }
}

function codeOf({ topic, partition }: Source): number {
  if (topic === ALL_TOPICS) return MIXED
  const hash = murmur2(Buffer.from(topic)) >>> PARTITION_BITS || 1
  const place = partition < MAX_CODED ? partition + 1 : 0
  return hash * 2 ** PARTITION_BITS + place
}

/** Also the name of its field among the stamps in L2. */
export function sourceName({ topic, partition }: Source): string {
  return `${topic}/${partition === WHOLE ? '*' : partition}`
}

/** The source that a name stands for; undefined if it is none. */
export function sourceOfName(name: string): Source | undefined {
  const slash = name.lastIndexOf('/')
  const partition = name.slice(slash + 1)
  if (slash <= 0 || !/^(?:\d{1,7}|\*)$/.test(partition)) return undefined
  return { topic: name.slice(0, slash), partition: partition === '*' ? WHOLE : Number(partition) }
}
