import { monotonicMs } from '../../monotonic.ts'
import type { CachedPrice } from '../cached-price.ts'
import { sourceOfName, WHOLE } from '../sources/codes.ts'
import { FOLLOWS, NEVER, type Sources, UNKNOWN_SOURCE } from '../sources/sources.ts'
import type { Taking } from './foreign-reads-options.ts'

/**
 * Takes the stamps of other nodes over into the moments of the sources. A source is no longer in doubt when its stamp has come
 * up to the moment. Returns whether values should be read again: their sources had no number, or were in doubt.
 */
export function raiseMoments(sources: Sources, stamps: ReadonlyMap<string, number>, nowMs = monotonicMs()): boolean {
  const known = sources.size
  let isTrusted = false
  sources.together(() => {
    isTrusted = raised(sources, stamps, nowMs)
  })
  return isTrusted || sources.size > known
}

/** Whether a source is in doubt no longer. */
function raised(sources: Sources, stamps: ReadonlyMap<string, number>, nowMs: number): boolean {
  let isTrusted = false
  for (const [name, atMs] of stamps) {
    const source = sourceOfName(name)
    // The stamps of topics that no node reads any more stay in L2, and so do those of partitions that a topic had once.
    if (source === undefined || source.partition === WHOLE || nowMs - atMs > sources.stampTtlMs) continue
    if (!sources.hasTopic(source.topic) || sources.isBeyond(source)) continue
    const id = sources.idOf(source.topic, source.partition)
    if (sources.isFollowed(id)) continue
    if (atMs < sources.asOf(id)) sources.stored(id, atMs)
    else if (sources.trust(id)) isTrusted = true
    sources.raise(id, atMs)
  }
  return isTrusted
}

/** Sets the moment of a value that was read. Returns whether such values may follow a source that another node follows. */
export function setMoment(price: CachedPrice, sources: Sources, { isClean, sent }: Taking): boolean {
  const { source } = price
  // Stamps that were read before the value was: those after it are taken into account only after this.
  if (sources.isFollowed(source)) {
    price.asOfMs = sources.asOfLoaded(source, sent)
    return false
  }
  price.asOfMs = source === UNKNOWN_SOURCE ? NEVER : sources.asOfStored(source)
  if (source === UNKNOWN_SOURCE || sources.isDoubted(source)) return false
  if (isClean) price.asOfMs = FOLLOWS
  return true
}
