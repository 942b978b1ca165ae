import type { ReplayTime } from '../../src/replay/pace.ts'

export interface VirtualTime extends ReplayTime {
  /** The sleeps so far, in ms and in order. */
  readonly sleeps: readonly number[]
  /** Lets time pass without a sleep, as if work took it. */
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
