import { MAX_AHEAD_MS } from '../../schemas/event-time.ts'
import type { Clock } from '../clock.ts'
import { type CachedPrice, VERSIONS_PER_MS } from './cached-price.ts'
import type { L2Load } from './l2/l2.ts'

/**
 * The rule for event times where values of other processes come in: L2 and L3 may hold one from a clock that was wrong.
 * It would look fresh for ever, and every true update would be older than it.
 */
export class TimeGate {
  readonly #clock: Clock
  /** Called for each value that is kept out. */
  readonly #onAhead: () => void

  constructor(clock: Clock, onAhead: () => void) {
    this.#clock = clock
    this.#onAhead = onAhead
  }

  /** Whether a version is of a time further ahead of the clock than an update may be; it is counted. */
  keepsOut(version: number): boolean {
    const isAhead = version >= (this.#clock.now() + MAX_AHEAD_MS + 1) * VERSIONS_PER_MS
    if (isAhead) this.#onAhead()
    return isAhead
  }

  /** Puts the gate before the loads of a level, and returns the level. A value that is kept out is as good as none. */
  before<Level extends { load(pairIds: readonly number[]): Promise<L2Load> }>(level: Level): Level {
    const load = level.load.bind(level)
    level.load = async (pairIds) => {
      const loaded = await load(pairIds)
      if (loaded.status !== 'loaded') return loaded
      const isOut = (row: CachedPrice | undefined) => row !== undefined && this.keepsOut(row.version)
      const first = loaded.rows.findIndex(isOut)
      if (first < 0) return loaded
      return {
        ...loaded,
        rows: loaded.rows.map((row, at) => (at === first || (at > first && isOut(row)) ? undefined : row)),
      }
    }
    return level
  }
}
