import { sourceName } from '../../sources/codes.ts'
import type { Sources } from '../../sources/sources.ts'

/** The moment of each source, by its name. */
export type Moments = ReadonlyMap<string, number>

/** A stamp that is so far behind the source's latest does not move, because its owner has no pair of the chain. */
const LAG_MS = 2_000

/**
 * Which sources the values that were read have, by chain: those must have a stamp beside the values. Used in a cluster, where
 * one server may lose data while the others keep theirs.
 */
export class NeededStamps {
  readonly #sources: Pick<Sources, 'at'>
  readonly #needed = new Map<number, Set<number>>()

  constructor(sources: Pick<Sources, 'at'>) {
    this.#sources = sources
  }

  get chains(): number[] {
    return [...this.#needed.keys()]
  }

  /** A value of the chain was read, or, without a source, none was found. */
  note(chainId: number, source: number | undefined): void {
    const needed = this.#needed.get(chainId) ?? new Set()
    this.#needed.set(chainId, needed)
    if (source !== undefined) needed.add(source)
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

  /** The chains that hold back a source which goes on elsewhere. */
  lagging(byChain: ReadonlyMap<number, Moments>): ReadonlySet<number> {
    const latest = new Map<string, number>()
    for (const moments of byChain.values())
      for (const [name, atMs] of moments) latest.set(name, Math.max(atMs, latest.get(name) ?? atMs))
    const lagging = new Set<number>()
    for (const [chain, name] of this.#names()) {
      const atMs = byChain.get(chain)?.get(name) ?? Number.NEGATIVE_INFINITY
      if (atMs < (latest.get(name) ?? atMs) - LAG_MS) lagging.add(chain)
    }
    return lagging
  }

  *#names(): Iterable<[chainId: number, name: string]> {
    for (const [chain, needed] of this.#needed)
      for (const id of needed) {
        const source = this.#sources.at(id)
        if (source !== undefined) yield [chain, sourceName(source)]
      }
  }
}
