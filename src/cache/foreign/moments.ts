import { type Sources, sourceOfName } from '../sources/sources.ts'

/** Takes the stamps of other nodes over into the moments of the sources. Returns whether there is a source that had no number. */
export function raiseMoments(sources: Sources, stamps: ReadonlyMap<string, number>): boolean {
  const known = sources.size
  for (const [name, atMs] of stamps) {
    const source = sourceOfName(name)
    // The stamps of topics that no node reads any more stay in L2.
    if (source === undefined || !sources.hasTopic(source.topic)) continue
    const id = sources.idOf(source.topic, source.partition)
    if (!sources.isFollowed(id)) sources.raise(id, atMs)
  }
  return sources.size > known
}
