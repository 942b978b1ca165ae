import type { VirtualClock } from '../src/clock.ts'
import type { Timer } from '../src/timer.ts'

/**
 * A timer that goes by a clock which is moved: what has become due runs after the move that made it so. It listens to the
 * clock while something waits.
 */
export function clockTimer(clock: VirtualClock): Timer {
  const waiting = new Set<{ readonly atMs: number; readonly run: () => void }>()
  let stop: (() => void) | undefined
  const rest = () => {
    if (waiting.size > 0) return
    stop?.()
    stop = undefined
  }
  const moved = () => {
    for (const each of [...waiting].sort((a, b) => a.atMs - b.atMs)) {
      if (each.atMs > clock.now() || !waiting.delete(each)) continue
      each.run()
    }
    rest()
  }
  return (delayMs, run) => {
    const each = { atMs: clock.now() + delayMs, run }
    waiting.add(each)
    stop ??= clock.onMove(moved)
    return () => {
      waiting.delete(each)
      rest()
    }
  }
}
