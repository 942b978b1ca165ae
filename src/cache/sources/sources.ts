import { ALL_TOPICS, MAX_CODED, type Source, SourceCodes, WHOLE } from './codes.ts'
import { Followed } from './followed.ts'
import { isKept } from './kept.ts'
import type { SourcesSnapshot } from './moments.ts'
import { EVERYTHING, FOLLOWS, MAX_SOURCES, Moments, NEVER, TopicSources, UNKNOWN_SOURCE } from './moments.ts'

export { EVERYTHING, FOLLOWS, MAX_SOURCES, NEVER, SOURCE_BITS, UNKNOWN_SOURCE } from './moments.ts'
export type { SourcesSnapshot }

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
export class Sources {
  readonly #topics = new Map<string, TopicSources>()
  readonly #moments = new Moments(this.#topics)
  /** For readers in other threads. */
  readonly buffer = this.#moments.buffer
  readonly #sources: (Source | undefined)[] = [undefined]
  /** Updates of one pair have come from several topics. */
  #isMerged = false
  readonly codes = new SourceCodes()
  /** The topics, and EVERYTHING, of which this node has found out itself that they are one source. */
  readonly #found = new Set<number>()
  readonly #followed = new Followed()
  /** The partitions of which L2 may have lost values, and the moment as of which what it has is the newest. */
  readonly #doubted = new Map<number, number>()
  /** The partitions that this node has, and of which L2 may lack values that another node has handled. */
  readonly unkept = new Set<number>()
  /** Rises whenever this node gets or loses a partition, or sources are merged. */
  epoch = 0
  /** Called when values have another source from now on (`resolve`). */
  onMerged: () => void = () => undefined
  /** Called when this node has found out something that other nodes must be told of (`found`). */
  onFound: () => void = () => undefined
  /** Partitions that the node has got and that have no number, because the table is full. */
  refused = 0
  /** Stamps that are older count for nothing. */
  readonly stampTtlMs: number

  constructor({ stampTtlMs = Number.POSITIVE_INFINITY }: { readonly stampTtlMs?: number } = {}) {
    this.stampTtlMs = stampTtlMs
    this.#sources.push({ topic: ALL_TOPICS, partition: WHOLE })
    this.codes.add(EVERYTHING, { topic: ALL_TOPICS, partition: WHOLE })
  }

  get size(): number {
    return this.#sources.length
  }

  /** The number of a partition, or of a topic as a whole; UNKNOWN_SOURCE if the table is full. */
  idOf(topic: string, partition: number): number {
    const heard = this.#topics.get(topic)
    const known = partition === WHOLE ? heard?.whole : heard?.partitions[partition]
    if (known !== undefined && known !== UNKNOWN_SOURCE) return known
    const of = this.#reach(topic, partition + 1)
    if (partition === WHOLE) return of.whole
    const id = this.#number({ topic, partition })
    of.partitions[partition] = id
    return id
  }

  #number(source: Source): number {
    if (this.#sources.length >= MAX_SOURCES) return UNKNOWN_SOURCE
    const id = this.#sources.length
    this.#sources.push(source)
    this.codes.add(id, source)
    return id
  }

  /** Whether this node has heard of the topic, other than by a stamp. */
  hasTopic(topic: string): boolean {
    return this.#topics.has(topic)
  }

  at(id: number): Source | undefined {
    return this.#sources[id]
  }

  /** Whether the topic has less partitions, by what the broker has told. */
  isBeyond({ topic, partition }: Source): boolean {
    return partition >= (this.#topics.get(topic)?.told || Number.POSITIVE_INFINITY)
  }

  /** The source of the topic as a whole. */
  wholeOf(topic: string): number {
    return this.idOf(topic, WHOLE)
  }

  /** The source of the partition's topic as a whole. */
  wholeAt(id: number): number {
    return this.#topicOf(id)?.whole ?? UNKNOWN_SOURCE
  }

  /** 32 bits that stand for the source in L2, the same on every node; 0 for the unknown one. */
  codeOf(id: number): number {
    return this.codes.of(id)
  }

  /** The source of a value that was found with this code. */
  ofCode(code: number): number {
    return this.resolve(this.codes.sourceOf(code))
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
    if (one === undefined || other === undefined) return
    const of = one.topic === other.topic ? this.#topics.get(one.topic) : undefined
    if (this.#isMerged || of?.isMerged) return
    this.#found.add(of?.whole ?? EVERYTHING)
    this.#join(of)
    this.onFound()
  }

  /** Values of one pair have these codes. A topic that is not known here may be any. */
  mergeCodes(one: number, other: number): void {
    this.merge(this.codes.wholeOf(one) || EVERYTHING, this.codes.wholeOf(other) || EVERYTHING)
  }

  /** Another node has found out that the topic, or all topics, are one source. */
  mergeTold(topic: string): void {
    const of = this.#topics.get(topic)
    if (of !== undefined || topic === ALL_TOPICS) this.#join(of)
  }

  /** The topics, and all of them as one, that this node has found to be one source. */
  found(): Source[] {
    return [...this.#found].map((id) => this.#sources[id] as Source)
  }

  /** Makes the topic one source; all of them if none is given. */
  #join(of: TopicSources | undefined): void {
    if (this.#isMerged || of?.isMerged) return
    if (of === undefined) this.#isMerged = true
    else of.isMerged = true
    this.epoch++
    this.onMerged()
  }

  isFollowed(id: number): boolean {
    return this.#followed.has(id)
  }

  /** Whether this node follows the source, and has done so since the epoch began. */
  hasFollowed(id: number, epoch: number): boolean {
    return this.#followed.hasSince(id, epoch)
  }

  /** The partitions that this node follows. */
  followed(): number[] {
    return [...this.#sources.keys()].filter((id) => this.isFollowed(id) && this.#topicOf(id) !== undefined)
  }

  /** The moment as of which the source's values are the newest; NEVER if it is unknown. */
  asOf(id: number): number {
    return this.#moments.at(id)
  }

  /** What is known at this moment, for a load that is about to be sent. */
  snapshot(): SourcesSnapshot {
    const moments = this.#moments.first(this.size)
    if (this.#doubted.size === 0) return { epoch: this.epoch, moments }
    return { epoch: this.epoch, moments: moments.map((_, id) => this.asOfStored(id)) }
  }

  /** L2 may have lost values of other nodes: what it has may be older than the moments of these sources, or of all. */
  doubt(ids: Iterable<number> = this.#sources.keys()): void {
    for (const id of ids)
      for (const of of this.#partsOf(id))
        if (of !== UNKNOWN_SOURCE && !this.isFollowed(of) && !this.#doubted.has(of)) this.#doubted.set(of, NEVER)
  }

  /** What L2 has of a source in doubt is the newest as of this moment. */
  stored(id: number, atMs: number): void {
    if (this.#doubted.has(id)) this.#doubted.set(id, atMs)
  }

  /** As `asOf`, for a value that is read from L2. */
  asOfStored(id: number): number {
    if (this.#doubted.size === 0) return this.asOf(id)
    return Math.min(this.asOf(id), ...this.#partsOf(id).map((of) => this.#doubted.get(of) ?? Number.POSITIVE_INFINITY))
  }

  /** L2 has what the source's moment stands for. Returns whether that was in doubt. */
  trust(id: number): boolean {
    return this.#doubted.delete(id)
  }

  /** A topic as a whole is in doubt while any of its partitions is, and all topics as one while any partition is. */
  isDoubted(id: number): boolean {
    return this.#doubted.size > 0 && this.#partsOf(id).some((of) => this.#doubted.has(of))
  }

  #partsOf(id: number): readonly number[] {
    const source = this.#sources[id]
    if (source?.partition !== WHOLE) return [id]
    const topics = id === EVERYTHING ? [...this.#topics.values()] : [this.#topics.get(source.topic)]
    return topics.flatMap((of) => of?.current ?? [])
  }

  /** The moment of a value that a load brought, by what was known when the load was sent. */
  asOfLoaded(id: number, { epoch, moments }: SourcesSnapshot): number {
    // If all is kept, L2 has the updates before the committed offset, and those from there on arrive here.
    return this.hasFollowed(id, epoch) ? (isKept(id, this) ? FOLLOWS : NEVER) : (moments[id] ?? NEVER)
  }

  /** This node has got the partition. What other nodes said of it counts no longer. */
  follow(id: number): void {
    if (id === UNKNOWN_SOURCE) {
      this.refused++
      return
    }
    this.epoch++
    this.#followed.set(id, true, this.epoch)
    this.trust(id)
    const source = this.#sources[id]
    const of = source && this.#reach(source.topic, source.partition + 1)
    this.#moments.set(id, NEVER, of)
    this.#changed(of)
  }

  /** This node has lost the partition: its moment stands until another node says more. */
  lose(id: number): void {
    this.epoch++
    this.#followed.set(id, false, this.epoch)
    this.#changed(this.#topicOf(id))
  }

  /** A later moment is known. An earlier one changes nothing. */
  raise(id: number, atMs: number): void {
    if (id !== UNKNOWN_SOURCE && atMs > this.asOf(id)) this.#moments.set(id, atMs, this.#topicOf(id))
  }

  /** Moments that are raised meanwhile reach the topics as wholes at its end, which is cheaper. */
  together(raise: () => void): void {
    this.#moments.together(raise)
  }

  /** The topic has so many partitions. If it has grown, its pairs may have moved: it is merged as a whole. */
  grow(topic: string, partitions: number): void {
    const of = this.#reach(topic, partitions)
    of.told = Math.max(of.told, partitions)
    this.#moments.changed(of)
  }

  /** Another topic has the name. If it has another number of partitions, its pairs have moved. 0: there is none any more. */
  remake(topic: string, partitions: number): void {
    const of = this.#reach(topic, partitions)
    this.epoch++
    if (partitions > 0 && of.told !== partitions) this.#join(of)
    of.count = partitions
    of.told = partitions || of.told
    this.#moments.changed(of)
    this.#changed(of)
  }

  /** While nothing is known of one of the partitions, nothing is of the topic as a whole. */
  #reach(topic: string, partitions: number): TopicSources {
    let of = this.#topics.get(topic)
    if (of === undefined) {
      // A topic as a whole comes before its partitions.
      of = new TopicSources(this.#number({ topic, partition: WHOLE }))
      this.#topics.set(topic, of)
    }
    if (of.count >= partitions) return of
    while (of.partitions.length < partitions) of.partitions.push(UNKNOWN_SOURCE)
    of.count = partitions
    this.#moments.forget(of)
    this.#followed.grown(of)
    // L2 does not tell partitions apart that have one code.
    if ((of.told > 0 && partitions > of.told) || partitions > MAX_CODED) this.#join(of)
    return of
  }

  #changed(of: TopicSources | undefined): void {
    if (of !== undefined) this.#followed.changed(of, this.#topics.values(), this.epoch)
  }

  #topicOf(id: number): TopicSources | undefined {
    const source = this.#sources[id]
    return source === undefined || source.partition === WHOLE ? undefined : this.#topics.get(source.topic)
  }
}
