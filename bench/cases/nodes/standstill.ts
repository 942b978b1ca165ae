import { setTimeout as pause } from 'node:timers/promises'
import { monotonicMs } from '../../../src/monotonic.ts'
import type { Figure } from '../../harness/bench.ts'
import type { Stage } from '../../stages/stage.ts'
import type { Fleet } from './fleet.ts'
import { value } from './freshness.ts'

/** Longer than what says that stamps are read lasts in Redis. */
const STILL_MS = 5_500
/** A connection that is lost sooner is not made again at once. */
const STEADY_MS = 6_000
const ROUNDS = 3
const FEEDS = [
  { words: 'in a quiet market', perSecond: 0 },
  { words: '1,000/s', perSecond: 1_000 },
]

/** How long the pairs of another node are behind after Redis has stood still: the longest of the rounds. */
export async function standstill(stage: Stage, { readers, feed, read }: Fleet): Promise<readonly Figure[]> {
  const [reader] = readers
  if (reader === undefined) return []
  const { pauseRedis, resumeRedis } = await stage.backends()
  const figures: Figure[] = []
  for (const { words, perSecond } of FEEDS) {
    if (perSecond > 0) feed.start(perSecond)
    let longestMs = 0
    for (let round = 0; round < ROUNDS; round++) {
      await reader.do('freshAt', { ranks: read, fromMs: monotonicMs() + STEADY_MS })
      await pauseRedis()
      const fresh = reader.do('freshAt', { ranks: read, fromMs: monotonicMs() + STILL_MS })
      await pause(STILL_MS)
      resumeRedis()
      const resumedMs = monotonicMs()
      longestMs = Math.max(longestMs, (await fresh) - resumedMs)
    }
    await feed.stop()
    figures.push(value(`fresh again after Redis stood still for 5.5 s, ${words}`, 'ms', longestMs))
  }
  return figures
}
