import type { RecentReads } from './recent-reads.ts'

/**
 * The states of a pair. Only a CLEAN one has a value in L1 that FOLLOWS its source.
 *
 *   NONE ──read──► QUEUED ──► FLYING ──value──► CLEAN ──message──► QUEUED, if it was read lately, else NONE
 *                                │   └──gone───► EMPTY ──message──► the same
 *                                └──message──► AGAIN ──► QUEUED
 */
export const NONE = 0
export const QUEUED = 1
export const FLYING = 2
export const AGAIN = 3
export const CLEAN = 4
export const EMPTY = 5

/** Those of the pairs that may follow their source, or were missing; undefined if one of them is in use. */
export function idlePairs(
  states: Uint8Array,
  recent: Pick<RecentReads, 'end' | 'has'>,
  isOne: (pairId: number) => boolean,
): readonly number[] | undefined {
  const idle: number[] = []
  for (let pairId = 0; pairId < recent.end; pairId++) {
    const state = states[pairId]
    if (state === NONE || !isOne(pairId)) continue
    if (recent.has(pairId) || (state !== CLEAN && state !== EMPTY)) return undefined
    idle.push(pairId)
  }
  return idle
}
