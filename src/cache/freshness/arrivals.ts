import { enlarged, lengthFor } from '../../../schemas/enlarged.ts'
import type { FirstLevel } from '../l1/first-level.ts'
import type { PairTable } from '../names/pair-table.ts'
import { WHOLE } from '../sources/codes.ts'
import { EVERYTHING, type Sources, UNKNOWN_SOURCE } from '../sources/sources.ts'

export interface ArrivalsOptions {
  readonly table: Pick<PairTable, 'maxPairs' | 'chainOf'>
  readonly sources: Sources
  readonly l1: Pick<FirstLevel, 'resolveSources' | 'suspendSources'>
}

/** The partitions that updates arrive from: what this node follows is learnt from them, and from nothing else. */
export class Arrivals {
  readonly #options: ArrivalsOptions
  /** The source of each pair's last update, by pair id. */
  #ofPair = new Uint16Array(1024)
  /** The source of the last update of each chain, by chain id. */
  readonly #ofChain: number[] = []

  constructor(options: ArrivalsOptions) {
    this.#options = options
    options.sources.onMerged = () => options.l1.resolveSources()
  }

  /** An update of the pair has come from the source. Returns the source that the pair's values have from now on. */
  arrived(pairId: number, source: number): number {
    return this.#ofPair[pairId] === source ? source : this.#arrivedElsewhere(pairId, source)
  }

  #arrivedElsewhere(pairId: number, source: number): number {
    if (source === UNKNOWN_SOURCE) return source
    const { table, sources } = this.#options
    if (pairId >= this.#ofPair.length)
      this.#ofPair = enlarged(
        this.#ofPair,
        new Uint16Array(lengthFor(pairId, this.#ofPair.length, Math.max(table.maxPairs, pairId + 1))),
      )
    const last = this.#ofPair[pairId] as number
    this.#ofPair[pairId] = source
    this.#ofChain[table.chainOf(pairId)] = source
    if (last === UNKNOWN_SOURCE || sources.resolve(last) === source) return source
    sources.merge(last, source)
    return sources.resolve(source)
  }

  /** L2 had a value with one code when a value with the other was written. */
  scattered(written: number, stored: number): void {
    this.#options.sources.mergeCodes(written, stored)
  }

  /** Updates of any pair may be in any partition of the source's topic. */
  scatteredTopic(source: number): void {
    this.#options.sources.merge(source, source)
  }

  /** The pair loses its id. */
  forget(pairId: number): void {
    if (pairId < this.#ofPair.length) this.#ofPair[pairId] = UNKNOWN_SOURCE
  }

  forgetChain(chainId: number): void {
    delete this.#ofChain[chainId]
  }

  /** Whether all updates of the pair arrive here. */
  hasAll(pairId: number): boolean {
    const { sources } = this.#options
    return sources.isFollowed(sources.resolve(this.#ofPair[pairId] ?? UNKNOWN_SOURCE))
  }

  /** Whether updates of the pair may come from one of these sources, or from a partition that this node does not have. */
  mayComeFrom(ids: ReadonlySet<number>, pairId: number): boolean {
    const { sources } = this.#options
    const source = sources.resolve(this.#ofPair[pairId] ?? UNKNOWN_SOURCE)
    const isSure = (sources.at(source)?.partition ?? WHOLE) !== WHOLE
    return !isSure || ids.has(source) || !sources.isFollowed(source)
  }

  /**
   * Whether updates of the pair arrive here. If there was none yet, whether those of its chain do. If they may be in any
   * partition of a topic, they arrive at every node that has one of them.
   */
  follows(pairId: number, chainId: number): boolean {
    const { sources } = this.#options
    const last = (this.#ofPair[pairId] ?? UNKNOWN_SOURCE) || (this.#ofChain[chainId] ?? UNKNOWN_SOURCE)
    if (last === UNKNOWN_SOURCE) return sources.isFollowed(EVERYTHING)
    const source = sources.resolve(last)
    if (sources.at(source)?.partition !== WHOLE) return sources.isFollowed(source)
    return sources.followed().some((partition) => sources.resolve(partition) === source)
  }

  /** The node gets the partitions with these sources. Their values are not known to be the newest until they are read to their end. */
  assign(ids: readonly number[]): void {
    this.#suspend(ids)
    for (const id of ids) this.#options.sources.follow(id)
  }

  /** The node loses the partitions with these sources. */
  revoke(ids: readonly number[]): void {
    this.#suspend(ids)
    for (const id of ids) this.#options.sources.lose(id)
  }

  /** Values of a topic as a whole, and of all topics, may come from the partitions, too. */
  #suspend(ids: readonly number[]): void {
    const { sources, l1 } = this.#options
    l1.suspendSources(new Set([EVERYTHING, ...ids, ...ids.map((id) => sources.wholeAt(id))]))
  }
}
