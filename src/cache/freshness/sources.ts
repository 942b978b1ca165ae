import { murmur2 } from '../../../schemas/topics.ts'

/**
 * The partitions that updates come from, as small numbers, and for each a moment: every update that was in the partition
 * by then is in the cache. A value that came from the partition was the newest at that moment, unless a later one is here.
 *
 *   followed   the node has the partition: the sending of the fetch that found its end
 *   foreign    another node has it: what that node last said (its mark in L2)
 *
 * Updates of a pair may come from several partitions of a topic. Such a pair has the topic as a whole as its source, which
 * is as old as the oldest of the partitions. Moments are in milliseconds of `monotonicMs`, in memory that other threads read.
 */
export const UNKNOWN_SOURCE = 0
/** The moment of a source about which nothing is known. */
export const NEVER = Number.NEGATIVE_INFINITY
/** In place of a partition's number: the topic as a whole. */
export const WHOLE = -1

export const MAX_SOURCES = 16_384

export interface Source {
  readonly topic: string
  /** WHOLE stands for all of them. */
  readonly partition: number
}

/** The sources of a topic: as a whole, and by partition. Those that were never heard of are UNKNOWN_SOURCE. */
interface TopicSources {
  readonly whole: number
  readonly partitions: number[]
}

export class Sources {
  /** The moment of each source. */
  readonly moments: Float64Array
  readonly #sources: (Source | undefined)[] = [undefined]
  readonly #ids = new Map<string, number>()
  readonly #ofCode = new Map<number, number>()
  /** The code of each source. */
  readonly #codes = new Uint32Array(MAX_SOURCES)
  /** 1 for a source that this node follows. */
  readonly #followed = new Uint8Array(MAX_SOURCES)
  readonly #topics = new Map<string, TopicSources>()
  /** Partitions that got no number, because the table is full. */
  refused = 0

  constructor(moments = new Float64Array(new SharedArrayBuffer(MAX_SOURCES * 8))) {
    this.moments = moments.fill(NEVER)
  }

  get size(): number {
    return this.#sources.length
  }

  /** The number of a partition, or of a topic as a whole; UNKNOWN_SOURCE if the table is full. */
  idOf(topic: string, partition: number): number {
    const name = sourceName({ topic, partition })
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    if (this.#sources.length >= MAX_SOURCES) {
      this.refused++
      return UNKNOWN_SOURCE
    }
    const id = this.#sources.length
    const code = murmur2(Buffer.from(name)) >>> 0
    this.#sources.push({ topic, partition })
    this.#ids.set(name, id)
    this.#codes[id] = code
    // If two sources have one code, values that name it have an unknown source.
    this.#ofCode.set(code, this.#ofCode.has(code) || code === 0 ? UNKNOWN_SOURCE : id)
    if (partition !== WHOLE) {
      this.grow(topic, partition + 1)
      const of = this.#topics.get(topic)
      if (of !== undefined) of.partitions[partition] = id
    }
    return id
  }

  at(id: number): Source | undefined {
    return this.#sources[id]
  }

  /** The source of the topic as a whole. */
  wholeOf(topic: string): number {
    return this.#topics.get(topic)?.whole ?? this.idOf(topic, WHOLE)
  }

  /** 32 bits that stand for the source in L2, the same on every node; 0 for the unknown one. */
  codeOf(id: number): number {
    return this.#codes[id] as number
  }

  ofCode(code: number): number {
    return this.#ofCode.get(code) ?? UNKNOWN_SOURCE
  }

  isFollowed(id: number): boolean {
    return this.#followed[id] === 1
  }

  /** The moment as of which the source's values are the newest; NEVER if it is unknown. */
  asOf(id: number): number {
    return this.moments[id] as number
  }

  /** This node has got the partition. What other nodes said of it counts no longer. */
  follow(id: number): void {
    this.#followed[id] = 1
    this.#set(id, NEVER)
    this.#followWhole(id)
  }

  /** This node has lost the partition: its moment stands until another node says more. */
  lose(id: number): void {
    this.#followed[id] = 0
    this.#followWhole(id)
  }

  /** A later moment is known. An earlier one changes nothing. */
  raise(id: number, atMs: number): void {
    if (id !== UNKNOWN_SOURCE && atMs > (this.moments[id] as number)) this.#set(id, atMs)
  }

  /** The topic has so many partitions. While nothing is known of one of them, nothing is of the topic as a whole. */
  grow(topic: string, partitions: number): void {
    const of = this.#topics.get(topic) ?? { whole: this.idOf(topic, WHOLE), partitions: [] }
    this.#topics.set(topic, of)
    while (of.partitions.length < partitions) of.partitions.push(UNKNOWN_SOURCE)
  }

  #set(id: number, atMs: number): void {
    this.moments[id] = atMs
    const of = this.#topicOf(id)
    if (of === undefined) return
    let oldest = Number.POSITIVE_INFINITY
    for (const partition of of.partitions) oldest = Math.min(oldest, this.moments[partition] as number)
    this.moments[of.whole] = oldest
  }

  /** The topic as a whole is followed while each of its partitions is. */
  #followWhole(id: number): void {
    const of = this.#topicOf(id)
    if (of !== undefined) this.#followed[of.whole] = of.partitions.every((each) => this.isFollowed(each)) ? 1 : 0
  }

  #topicOf(id: number): TopicSources | undefined {
    const source = this.#sources[id]
    return source === undefined || source.partition === WHOLE ? undefined : this.#topics.get(source.topic)
  }
}

/** Also the name of its field among the marks in L2. */
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
