/**
 * The time in milliseconds since 1970. In production it is the wall clock. In a replay it is a virtual clock, which the
 * loop moves to the timestamp of each record. Durations are measured with `performance.now` instead.
 */
export interface Clock {
  now(): number
}

/** The clock of the machine. */
export const systemClock: Clock = { now: () => Date.now() }

/** A clock that stands still until it is moved, and never goes back. */
export interface VirtualClock extends Clock {
  advanceTo(ms: number): void
  /**
   * Calls the listener after each move, because no timer fires for what has become due. Returns what ends that.
   */
  onMove(listener: () => void): () => void
}

/** Makes a clock that stands still until it is moved, in milliseconds since the epoch. */
export function virtualClock(startMs = 0): VirtualClock {
  let nowMs = startMs
  const listeners = new Set<() => void>()
  return {
    now: () => nowMs,
    advanceTo: (ms) => {
      if (ms <= nowMs) return
      nowMs = ms
      for (const listener of [...listeners]) listener()
    },
    onMove: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

export function isVirtual(clock: Clock): clock is VirtualClock {
  return 'advanceTo' in clock
}
