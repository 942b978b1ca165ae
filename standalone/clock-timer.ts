import type { VirtualClock } from '../src/clock.ts'
import type { Timer } from '../src/timer.ts'

/** A timer that goes by a clock which is moved: what has become due runs after the move that made it so. */
export function clockTimer(clock: VirtualClock): Timer {
  const waiting = new Set<{ readonly atMs: number; readonly run: () => void }>()
  clock.onMove(() => {
    for (const each of [...waiting].sort((a, b) => a.atMs - b.atMs)) {
      if (each.atMs > clock.now() || !waiting.delete(each)) continue
      each.run()
    }
  })
  return (delayMs, run) => {
    const each = { atMs: clock.now() + delayMs, run }
    waiting.add(each)
    return () => waiting.delete(each)
  }
}
