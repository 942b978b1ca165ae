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

/** The groups of which a pair was read lately, or is on its way. */
export function groupsInUse(
  states: Uint8Array,
  recent: Pick<RecentReads, 'end' | 'has'>,
  groupOf: (pairId: number) => number,
): ReadonlySet<number> {
  const groups = new Set<number>()
  for (let pairId = 0; pairId < recent.end; pairId++) {
    const state = states[pairId]
    if (recent.has(pairId) || state === QUEUED || state === FLYING || state === AGAIN) groups.add(groupOf(pairId))
  }
  return groups
}
