import { type Sources, sourceOfName } from '../sources/sources.ts'

/**
 * Takes the stamps of other nodes over into the moments of the sources. A source is no longer in doubt when its stamp has come
 * up to the moment. Returns whether values should be read again: their sources had no number, or were in doubt.
 */
export function raiseMoments(sources: Sources, stamps: ReadonlyMap<string, number>): boolean {
  const known = sources.size
  let isTrusted = false
  for (const [name, atMs] of stamps) {
    const source = sourceOfName(name)
    // The stamps of topics that no node reads any more stay in L2.
    if (source === undefined || !sources.hasTopic(source.topic)) continue
    const id = sources.idOf(source.topic, source.partition)
    if (sources.isFollowed(id)) continue
    if (atMs < sources.asOf(id)) sources.stored(id, atMs)
    else if (sources.trust(id)) isTrusted = true
    sources.raise(id, atMs)
  }
  return isTrusted || sources.size > known
}
