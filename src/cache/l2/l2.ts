import type { CachedPrice, PriceColumns } from '../cached-price.ts'

/**
 * The second level, common to all nodes: Redis (l2-redis.ts), or this process's own memory where there is no Redis to
 * be had (l2-memory.ts). Unavailability is a value, not an exception: the node goes on with L1 alone and says so.
 * Pair ids are those of the PairTable that the level was made with.
 */
export interface L2 {
  /**
   * Resolves when the first attempt to connect has succeeded or failed, or has taken as long as a command may; connecting
   * goes on in the background and `state` tells.
   */
  start(): Promise<void>
  /** One trip for all pairs of a chain. The rows are in the order of `pairIds`; `undefined` where nothing is stored. */
  load(pairIds: readonly number[]): Promise<L2Load>
  /** Writes rows `from` (inclusive) to `to` (exclusive), each only where it is not older than what is stored. */
  write(columns: PriceColumns, from: number, to: number): Promise<L2Write>
  /** A delisted pair's value goes. */
  delete(pairIds: readonly number[]): Promise<L2Write>
  state(): L2State
  /** As last measured; undefined before, and where it is not known. */
  readonly usage?: L2Usage | undefined
  /** Measures `usage` anew, in the background. */
  measure?(): void
  close(): Promise<void>
}

export type L2Load =
  | {
      readonly status: 'loaded'
      readonly rows: readonly (CachedPrice | undefined)[]
      /** Places of pairs that could not be asked for, where others could: the part of L2 that has them is away. */
      readonly unknown?: ReadonlySet<number>
    }
  | { readonly status: 'unavailable'; readonly reason: string }

export type L2Write =
  | { readonly status: 'written'; readonly written: number; readonly older: number }
  | {
      readonly status: 'unavailable'
      readonly reason: string
      /** The rows that were not written, where others were; absent where none was. */
      readonly unwritten?: readonly number[]
    }

export type L2State =
  | { readonly status: 'up' }
  | { readonly status: 'degraded'; readonly reason: string; readonly sinceMs: number }

/** Of the whole server, others' keys included: what it holds and what it may hold. */
export interface L2Usage {
  readonly entries: number
  readonly bytes: number
  /** Absent where nothing bounds it. */
  readonly capacityBytes?: number
}
