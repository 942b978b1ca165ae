import { sourceName } from '../../sources/codes.ts'
import type { Sources } from '../../sources/sources.ts'

/** The moment of each source, by its name. */
export type Moments = ReadonlyMap<string, number>

/**
 * Which sources the values that were read have, by chain: those must have a stamp beside the values. Used in a cluster, where
 * one server may lose data while the others keep theirs.
 */
export class NeededStamps {
  readonly #sources: Pick<Sources, 'at' | 'doubt'>
  readonly #needed = new Map<number, Set<number>>()

  constructor(sources: Pick<Sources, 'at' | 'doubt'>) {
    this.#sources = sources
  }

  get chains(): number[] {
    return [...this.#needed.keys()]
  }

  /** A value of the chain was read, or, without a source, none was found. A source that is new to the chain comes into doubt. */
  note(chainId: number, source: number | undefined): void {
    const needed = this.#needed.get(chainId) ?? new Set()
    this.#needed.set(chainId, needed)
    if (source === undefined || needed.has(source)) return
    needed.add(source)
    // The server of the chain may have lost what the stamps beside other chains stand for.
    this.#sources.doubt([source])
  }

  forget(chainId: number): void {
    this.#needed.delete(chainId)
  }

  /** The earliest of a source's moments. A source without a stamp where its values are has lost some: it has none. */
  merged(byChain: ReadonlyMap<number, Moments>): Moments {
    const merged = new Map<string, number>()
    for (const moments of byChain.values())
      for (const [name, atMs] of moments) merged.set(name, Math.min(atMs, merged.get(name) ?? atMs))
    for (const [chain, name] of this.#names()) if (byChain.get(chain)?.has(name) !== true) merged.delete(name)
    return merged
  }

  *#names(): Iterable<[chainId: number, name: string]> {
    for (const [chain, needed] of this.#needed)
      for (const id of needed) {
        const source = this.#sources.at(id)
        if (source !== undefined) yield [chain, sourceName(source)]
      }
  }
}
