import type { EvictionOrder } from './list.ts'

/** The pair that was read longest ago leaves. */
export const LRU: EvictionOrder = {
  hit: (pairId, list) => {
    list.remove(pairId)
    list.push(pairId)
  },
  next: (list) => list.tail,
}
