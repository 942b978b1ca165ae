import type { Clock } from '../../clock.ts'
import type { CachedPrice, PriceColumns } from '../cached-price.ts'
import type { IdHolder } from '../names/id-holders.ts'
import type { Sources } from '../sources/sources.ts'
import type { Tracking } from './tracking.ts'
import type { Kind } from './value.ts'

/**
 * The second level, which all nodes share: Redis (redis/redis.ts), or this process's own memory if there is no Redis
 * (memory.ts). Unavailability is a value, not an exception: the node goes on with L1 alone and says so. Pair ids are those
 * of the PairTable that the level was made with.
 */
export interface L2 extends Pick<IdHolder, 'lives' | 'forget' | 'forgetChain'> {
  /**
   * Resolves when the first attempt to connect has succeeded or failed, or has taken as long as a command may.
   * Connecting goes on in the background, and `state` tells how it stands.
   */
  start(): Promise<void>
  /** One trip for all pairs of a chain. The rows are in the order of `pairIds`; `undefined` if nothing is stored. */
  load(pairIds: readonly number[]): Promise<L2Load>
  /** Writes rows `from` (inclusive) to `to` (exclusive), each unless a newer version is stored. */
  write(columns: PriceColumns, from: number, to: number, pace?: WritePace): Promise<L2Write>
  /**
   * Deletes the values of delisted pairs and keeps out, for as long as a deletion is remembered, what is not newer than the
   * deletion. `written` counts values that were deleted, `older` those that stay because they are newer than the deletion.
   */
  delete(deletions: readonly Deletion[]): Promise<L2Write>
  /**
   * Tells other nodes, beside the values, as of when all values of these sources are in the level. The name of a topic as a whole
   * tells that it is one source. Absent if the level has no other nodes.
   */
  stamp?(stamps: readonly StampOf[]): Promise<L2Stamp>
  /** Reads of which the level tells when they change. Absent if nobody else writes to it. */
  track?(): Tracking
  state(): L2State
  /** As last measured; undefined before that, and if the level cannot tell. */
  readonly usage?: L2Usage | undefined
  /** Measures `usage` anew, in the background, and finds out whether the level was emptied. Called every ten seconds. */
  measure?(): void
  close(): Promise<void>
}

/** What every second level is made with. */
export interface L2Options {
  readonly clock: Clock
  /** Returns 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
  /** How long a value stays, ±10 %. */
  readonly ttlMs: number
  /** How long a deletion is remembered; as long as a value unless given. */
  readonly tombstoneTtlMs?: number
  readonly onNewer?: OnNewer
  /** The partitions that values come from. */
  readonly sources?: Sources
  /** What it is used for; prices unless given. Other values are not there for it. */
  readonly kind?: Kind | undefined
}

/** Deletes a pair up to `version`, and also a stored value of a higher version, unless that is above `upTo`. */
export interface Deletion {
  readonly pairId: number
  readonly version: number
  /** Whatever is stored unless given. */
  readonly upTo?: number
}

/**
 * Called when the level turns out to have something newer than its caller thinks: a version that refused a write, or a
 * deletion. `floor` is the lowest version that the level still accepts for the pair. `isDeleted`: a load found a deletion.
 */
export type OnNewer = (pairId: number, floor: number, isDeleted?: boolean) => void

/** How a write that takes several trips shares the thread with other work. */
export interface WritePace {
  /** The most rows of the next trip. */
  readonly rowsATrip: number
  /** Called between trips: how long this thread worked for the last one, in milliseconds. */
  rest(busyMs: number): Promise<void>
}

export type L2Load =
  | {
      readonly status: 'loaded'
      readonly rows: readonly (CachedPrice | undefined)[]
      /** The places of pairs whose part of L2 is away. Absent if all could be asked for. */
      readonly unknown?: ReadonlySet<number>
    }
  | { readonly status: 'unavailable'; readonly reason: string }

export type L2Write =
  | { readonly status: 'written'; readonly written: number; readonly older: number }
  | {
      readonly status: 'unavailable'
      readonly reason: string
      /** The rows that were not written, if others were; absent if none was. */
      readonly unwritten?: readonly number[]
      /** How many of the others were written, as they were not older. */
      readonly written?: number
    }

/** The moment as of which all values of a source are in L2. */
export interface StampOf {
  /** That of sources.ts. */
  readonly name: string
  /** How long ago the moment was, in milliseconds; Infinity for no moment at all. */
  readonly ageMs: () => number
}

export type L2Stamp =
  /** `isRead`: some node reads the stamps. `joined`: the names of topics as wholes that some node has found to be one source. */
  | { readonly status: 'stamped'; readonly isRead: boolean; readonly joined?: readonly string[] }
  /** Stamps that this node had set are gone, and so may be values. */
  | { readonly status: 'lost' }
  | { readonly status: 'unavailable'; readonly reason: string }

export type L2State =
  | { readonly status: 'up' }
  | { readonly status: 'degraded'; readonly reason: string; readonly sinceMs: number }

/** Entries and bytes of the whole server, other keys included, and the most that it may hold. */
export interface L2Usage {
  readonly entries: number
  readonly bytes: number
  /** Absent if the server has no bound. */
  readonly capacityBytes?: number
}
