import { expect, test } from '@jest/globals'
import { NodePrediction } from '../../node/prediction.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { virtualClock } from '../../src/clock.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

const NOON_MS = Date.UTC(2026, 0, 5, 12, 30)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

function opened() {
  const clock = virtualClock(NOON_MS)
  const timer = new ManualTimer(clock)
  const table = new PairTable({ maxPairs: 10 })
  const log = createLog({ service: 'test', version: '', stream: { write: () => undefined } })
  const now = { now: () => clock.now() }
  const prediction = new NodePrediction({
    ...{ config: defaultConfig(), table, clock: now, log, random: () => 0, timer: timer.start },
  })
  prediction.onRead?.(table.ask('ethereum', 'P'), NOON_MS)
  return { prediction, timer }
}

test('a node drops hours beyond PATTERN_HISTORY_HOURS at midnight, though nothing is read any more', async () => {
  const { prediction, timer } = opened()
  await prediction.start()
  // The week is over at 12:00 on the seventh day.
  await timer.advance(7 * DAY_MS + 11 * HOUR_MS)
  expect(prediction.exportPatterns().pairs).toHaveLength(1)
  await timer.advance(HOUR_MS)
  expect(prediction.exportPatterns().pairs).toHaveLength(0)
  await prediction.close()
  expect(timer.pending).toBe(0)
})

test('a node that is closed while it starts cleans up no more', async () => {
  const { prediction, timer } = opened()
  const starting = prediction.start()
  await prediction.close()
  await starting
  expect(timer.pending).toBe(0)
})
