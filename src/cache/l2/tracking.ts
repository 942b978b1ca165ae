import type { DecodedValue } from './value.ts'

/**
 * Reads of a level that tells when what was read changes (Redis's client-side caching). Stamps tell as of when all values of
 * a source are in the level (`L2.stamp`). Nothing rejects.
 */
export interface Tracking {
  /** Begins to connect, and goes on until `close`. */
  open(listener: TrackingListener): void
  /** One value for each pair, in their order; undefined if the level did not answer for all. */
  read(pairIds: readonly number[]): Promise<readonly TrackedValue[] | undefined>
  /**
   * The moment of each source that has a stamp, by its name, in ms of this process's monotonic clock; none if the level
   * refuses to tell them, undefined if there was no answer.
   */
  stamps(): Promise<ReadonlyMap<string, number> | undefined>
  /** Resolves to true when everything has been told that had changed before the call; to false if that takes too long. */
  toldAll(): Promise<boolean>
  /** Makes all connections anew. */
  reset(): void
  /** Asks the level to tell nothing any more, or, with false, to tell again. */
  silence(isSilent: boolean): void
  /** The chain loses its id. */
  forgetChain(chainId: number): void
  /** May be called twice. */
  close(): void
}

export interface TrackingListener {
  /** What is read from now on is tracked, or (`poll`) nothing is told. Everything that was read before is in doubt. */
  armed(way: TrackingWay): void
  /** Changes may have been missed since the last that was told. */
  lost(): void
  changed(pairId: number): void
  /** Why the level does not track reads. */
  refused(reason: string): void
  /** Drops the pairs of groups of which none is in use; returns the other groups. */
  dropIdle(groupOf: (pairId: number) => number): ReadonlySet<number>
  /** The level refuses something else, without which the rest goes on. Told once for each. */
  limited(reason: string): void
}

export type TrackingWay = 'told' | 'poll'
export type TrackedValue = DecodedValue | 'gone'
