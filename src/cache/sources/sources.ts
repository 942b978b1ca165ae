import { murmur2 } from '../../../schemas/topics.ts'
import { storeDouble } from './shared-double.ts'

/**
 * The partitions that updates come from, as small numbers, and for each a moment: every update that was in the partition
 * by then is in the cache. A value that came from the partition was the newest at that moment, unless a later one is here.
 *
 *   followed   the node has the partition: the sending of the fetch that found its end
 *   foreign    another node has it: what that node last said (its stamp in L2)
 *
 * Updates of one pair may come from several partitions of a topic: those of a feed without keys do. From then on the topic
 * as a whole is the source of all its pairs, and it is as old as the oldest of its partitions. If a pair's updates come
 * from several topics, all of them are one source. Moments are in milliseconds of `monotonicMs`, in memory that other threads read.
 */
export const UNKNOWN_SOURCE = 0
/** All topics as one. */
export const EVERYTHING = 1
/** The moment of a source about which nothing is known. */
export const NEVER = Number.NEGATIVE_INFINITY
/** In place of a value's moment: the moment of its source, as that goes on. */
export const FOLLOWS = Number.POSITIVE_INFINITY
/** In place of a partition's number: the topic as a whole. */
export const WHOLE = -1
/** In place of a topic's name: all of them. */
const ALL_TOPICS = '*'

export const SOURCE_BITS = 14
export const MAX_SOURCES = 2 ** SOURCE_BITS
/** The code of values whose pair has several sources, in L2. */
export const MIXED = 0xffff_ffff

export interface Source {
  readonly topic: string
  /** WHOLE stands for all of them. */
  readonly partition: number
}

export interface SourcesSnapshot {
  readonly epoch: number
  readonly moments: Float64Array
}

/** The sources of a topic: as a whole, and by partition. Those that were never heard of are UNKNOWN_SOURCE. */
interface TopicSources {
  readonly whole: number
  readonly partitions: number[]
  /** Updates of one pair may have come from several partitions. */
  isMerged: boolean
  /** How many partitions it has, as far as was told; 0: not yet. */
  told: number
}

export class Sources {
  /** For readers in other threads. */
  readonly buffer = new SharedArrayBuffer(MAX_SOURCES * 8)
  readonly #moments = new Float64Array(this.buffer).fill(NEVER)
  readonly #bits = new BigInt64Array(this.buffer)
  readonly #sources: (Source | undefined)[] = [undefined]
  /** Updates of one pair have come from several topics. */
  #isMerged = false
  readonly #ids = new Map<string, number>()
  readonly #ofCode = new Map<number, number>()
  /** The code of each source. */
  readonly #codes = new Uint32Array(MAX_SOURCES)
  /** 1 for a source that this node follows. */
  readonly #followed = new Uint8Array(MAX_SOURCES)
  /** 1 for a partition of which L2 may have lost values. */
  readonly #doubted = new Uint8Array(MAX_SOURCES)
  readonly #stored = new Float64Array(MAX_SOURCES)
  #doubts = 0
  readonly #topics = new Map<string, TopicSources>()
  /** Rises whenever this node gets or loses a partition, or sources are merged. */
  epoch = 0
  /** Called when values have another source from now on (`resolve`). */
  onMerged: () => void = () => undefined
  /** Partitions that got no number, because the table is full. */
  refused = 0

  constructor() {
    this.#ofCode.set(MIXED, this.idOf(ALL_TOPICS, WHOLE))
  }

  get size(): number {
    return this.#sources.length
  }

  /** The number of a partition, or of a topic as a whole; UNKNOWN_SOURCE if the table is full. */
  idOf(topic: string, partition: number): number {
    const name = sourceName({ topic, partition })
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    // A topic as a whole comes before its partitions.
    if (partition !== WHOLE) this.#reach(topic, partition + 1)
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
    const of = partition === WHOLE ? undefined : this.#topics.get(topic)
    if (of !== undefined) of.partitions[partition] = id
    return id
  }

  /** Whether this node has heard of the topic, other than by a stamp. */
  hasTopic(topic: string): boolean {
    return this.#topics.has(topic)
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

  /** The source of a value that was found with this code. */
  ofCode(code: number): number {
    return this.resolve(this.#ofCode.get(code) ?? UNKNOWN_SOURCE)
  }

  /** The source itself, or the one into which it was merged. */
  resolve(id: number): number {
    if (this.#isMerged && id !== UNKNOWN_SOURCE) return EVERYTHING
    const of = this.#topicOf(id)
    return of?.isMerged ? of.whole : id
  }

  /** Updates of one pair have come from both sources. If both are one and the same, its topic is merged as a whole. */
  merge(a: number, b: number): void {
    const one = this.#sources[this.resolve(a)]
    const other = this.#sources[this.resolve(b)]
    if (one === undefined || other === undefined || this.#isMerged) return
    const of = this.#topics.get(one.topic)
    if (one.topic !== other.topic || of === undefined) this.#isMerged = true
    else if (of.isMerged) return
    else of.isMerged = true
    this.epoch++
    this.onMerged()
  }

  isFollowed(id: number): boolean {
    return this.#followed[id] === 1
  }

  /** The partitions that this node follows. */
  followed(): number[] {
    return [...this.#sources.keys()].filter((id) => this.isFollowed(id) && this.#topicOf(id) !== undefined)
  }

  /** The moment as of which the source's values are the newest; NEVER if it is unknown. */
  asOf(id: number): number {
    return this.#moments[id] as number
  }

  /** What is known at this moment, for a load that is about to be sent. */
  snapshot(): SourcesSnapshot {
    const moments = this.#moments.slice(0, this.size)
    return { epoch: this.epoch, moments: this.#doubts === 0 ? moments : moments.map((_, id) => this.asOfStored(id)) }
  }

  /** L2 may have lost values of other nodes: what it has may be older than the moments of their sources. */
  doubt(): void {
    for (let id = 0; id < this.size; id++) {
      if (this.isFollowed(id) || this.#topicOf(id) === undefined || this.#doubted[id] === 1) continue
      this.#doubted[id] = 1
      this.#doubts++
      this.#stored[id] = NEVER
    }
  }

  /** What L2 has of a source in doubt is the newest as of this moment. */
  stored(id: number, atMs: number): void {
    this.#stored[id] = atMs
  }

  /** As `asOf`, for a value that is read from L2. */
  asOfStored(id: number): number {
    if (!this.isDoubted(id)) return this.asOf(id)
    if (this.#topicOf(id) !== undefined) return Math.min(this.asOf(id), this.#stored[id] as number)
    const doubted = [...this.#sources.keys()].filter((of) => this.#doubted[of] === 1)
    return Math.min(this.asOf(id), ...doubted.map((of) => this.#stored[of] as number))
  }

  /** L2 has what the source's moment stands for. Returns whether that was in doubt. */
  trust(id: number): boolean {
    if (this.#doubted[id] === 0) return false
    this.#doubted[id] = 0
    this.#doubts--
    return true
  }

  /** A topic as a whole is in doubt while any partition is. */
  isDoubted(id: number): boolean {
    return this.#topicOf(id) === undefined ? this.#doubts > 0 : this.#doubted[id] === 1
  }

  /** The moment of a value that a load brought, by what was known when the load was sent. */
  asOfLoaded(id: number, { epoch, moments }: SourcesSnapshot): number {
    // All that came before the assignment is in L2, and what comes after it arrives here.
    return this.isFollowed(id) && epoch === this.epoch ? FOLLOWS : (moments[id] ?? NEVER)
  }

  /** This node has got the partition. What other nodes said of it counts no longer. */
  follow(id: number): void {
    this.epoch++
    this.#followed[id] = 1
    this.trust(id)
    this.#set(id, NEVER)
    this.#followWhole(id)
  }

  /** This node has lost the partition: its moment stands until another node says more. */
  lose(id: number): void {
    this.epoch++
    this.#followed[id] = 0
    this.#followWhole(id)
  }

  /** A later moment is known. An earlier one changes nothing. */
  raise(id: number, atMs: number): void {
    if (id !== UNKNOWN_SOURCE && atMs > (this.#moments[id] as number)) this.#set(id, atMs)
  }

  /** The topic has so many partitions. If it has grown, its pairs may have moved: it is merged as a whole. */
  grow(topic: string, partitions: number): void {
    const of = this.#reach(topic, partitions)
    of.told = Math.max(of.told, partitions)
  }

  /** While nothing is known of one of the partitions, nothing is of the topic as a whole. */
  #reach(topic: string, partitions: number): TopicSources {
    const of = this.#topics.get(topic) ?? { whole: this.idOf(topic, WHOLE), partitions: [], isMerged: false, told: 0 }
    this.#topics.set(topic, of)
    if (of.partitions.length >= partitions) return of
    while (of.partitions.length < partitions) of.partitions.push(UNKNOWN_SOURCE)
    storeDouble(this.#bits, of.whole, NEVER)
    storeDouble(this.#bits, EVERYTHING, NEVER)
    this.#followed[of.whole] = 0
    this.#followed[EVERYTHING] = 0
    if (of.told > 0 && partitions > of.told && !of.isMerged && !this.#isMerged) {
      of.isMerged = true
      this.epoch++
      this.onMerged()
    }
    return of
  }

  #set(id: number, atMs: number): void {
    const before = this.#moments[id] as number
    storeDouble(this.#bits, id, atMs)
    const of = this.#topicOf(id)
    // A partition that was not the oldest, and goes on, leaves the topic as old as it was.
    if (of === undefined || (atMs > before && before > (this.#moments[of.whole] as number))) return
    let oldest = Number.POSITIVE_INFINITY
    for (const partition of of.partitions) oldest = Math.min(oldest, this.#moments[partition] as number)
    storeDouble(this.#bits, of.whole, oldest)
    for (const topic of this.#topics.values()) oldest = Math.min(oldest, this.#moments[topic.whole] as number)
    storeDouble(this.#bits, EVERYTHING, oldest)
  }

  /** The topic as a whole is followed while each of its partitions is. */
  #followWhole(id: number): void {
    const of = this.#topicOf(id)
    if (of === undefined) return
    this.#followed[of.whole] = of.partitions.every((each) => this.isFollowed(each)) ? 1 : 0
    this.#followed[EVERYTHING] = [...this.#topics.values()].every(({ whole }) => this.isFollowed(whole)) ? 1 : 0
  }

  #topicOf(id: number): TopicSources | undefined {
    const source = this.#sources[id]
    return source === undefined || source.partition === WHOLE ? undefined : this.#topics.get(source.topic)
  }
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
