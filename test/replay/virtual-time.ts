import type { ReplayTime } from '../../src/replay/pace.ts'

export interface VirtualTime extends ReplayTime {
  /** What was slept, in order. */
  readonly sleeps: readonly number[]
  /** Time goes by without a sleep, as if work had taken it. */
  pass(ms: number): void
}

export function virtualTime(startMs: number): VirtualTime {
  let nowMs = startMs
  const sleeps: number[] = []
  return {
    sleeps,
    now: () => nowMs,
    sleep: async (ms) => {
      sleeps.push(ms)
      nowMs += ms
    },
    pass: (ms) => {
      nowMs += ms
    },
  }
}
