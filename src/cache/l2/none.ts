import type { L2 } from './l2.ts'

/** In place of a second level where there is none: it has nothing, and takes what it is given. */
export function createNoL2(): L2 {
  return {
    start: async () => undefined,
    load: async (pairIds) => ({ status: 'loaded', rows: pairIds.map(() => undefined) }),
    write: async (_columns, from, to) => ({ status: 'written', written: to - from, older: 0 }),
    delete: async (deletions) => ({ status: 'written', written: deletions.length, older: 0 }),
    state: () => ({ status: 'up' }),
    close: async () => undefined,
  }
}
