/**
 * Time as it is passed in. `now` is milliseconds since the epoch: the wall's in production, the replay's in a replay,
 * where the loop moves it forward to each record's timestamp. What measures durations uses `performance.now` at the
 * edges instead.
 */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** Stands still until it is moved, and never goes back. */
export interface VirtualClock extends Clock {
  advanceTo(ms: number): void
  /** Calls the listener after each move: what is due is due at once, and no timer knows. */
  onMove(listener: () => void): void
}

export function virtualClock(startMs = 0): VirtualClock {
  let nowMs = startMs
  const listeners: (() => void)[] = []
  return {
    now: () => nowMs,
    advanceTo: (ms) => {
      if (ms <= nowMs) return
      nowMs = ms
      for (const listener of listeners) listener()
    },
    onMove: (listener) => {
      listeners.push(listener)
    },
  }
}

export function isVirtual(clock: Clock): clock is VirtualClock {
  return 'advanceTo' in clock
}
