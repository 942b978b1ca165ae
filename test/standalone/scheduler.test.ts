import { afterEach, expect, test } from '@jest/globals'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import { createCache } from '../../standalone/cache.ts'
import { closeAll, closedLater, warming } from './groups-stage.ts'

afterEach(closeAll)

const MINUTE_MS = 60_000
/** A Monday. */
const MONDAY_MS = Date.UTC(2026, 5, 1)

/** A cache of 160 pairs, of which L1 holds a quarter, and a warming beside it that does nothing by itself. */
async function stage() {
  const clock = virtualClock(MONDAY_MS)
  const cache = closedLater(await createCache({ l1Slots: 40, l2Enabled: false, env: {}, clock }))
  for (let pair = 0; pair < 160; pair++) cache.set(`P${pair}`, { price: 1 })
  const made = warming(cache, { warmerConfig: { enabled: false } })
  return { clock, cache, ...made }
}

/** Minute by minute, as time passes. */
async function pass(clock: VirtualClock, minutes: number, each: () => void = () => undefined): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    clock.advanceTo(clock.now() + MINUTE_MS)
    each()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a scheduler runs each schedule at its times, from its start until it is stopped', async () => {
  const { clock, cache, scheduler } = await stage()
  const read = () => {
    for (let pair = 0; pair < 10; pair++) cache.get(`P${pair}`)
  }
  await pass(clock, 10, read)
  expect(scheduler.status()).toMatchObject({ running: false, cycleCount: 0, nextRuns: {}, lastRuns: {} })
  scheduler.start()
  await pass(clock, 1, read)
  const { lastRuns, nextRuns } = scheduler.status()
  expect(lastRuns['start-up']).toMatchObject({ outcome: 'done' })
  expect(Object.keys(lastRuns['start-up']?.result ?? {})).toEqual(['popular', 'time_of_day'])
  expect(nextRuns).toMatchObject({
    popular: MONDAY_MS + 30 * MINUTE_MS,
    'time-of-day': MONDAY_MS + 60 * MINUTE_MS,
    trending: MONDAY_MS + 60 * MINUTE_MS,
    'pre-market': MONDAY_MS + (8 * 60 + 30) * MINUTE_MS,
  })
  await pass(clock, 20, read)
  expect(scheduler.status().lastRuns.popular).toMatchObject({
    scheduledMs: MONDAY_MS + 30 * MINUTE_MS,
    outcome: 'done',
    result: { popular: { success: true, pairsAttempted: 10 } },
  })
  scheduler.stop()
  const { cycleCount } = scheduler.status()
  await pass(clock, 120, read)
  expect(scheduler.status()).toMatchObject({ running: false, cycleCount, nextRuns: {} })
  scheduler.start()
  await pass(clock, 31, read)
  expect(scheduler.status().cycleCount).toBeGreaterThan(cycleCount)
})

test('a schedule whose warms nobody reads runs more seldom, and says so', async () => {
  const { clock, cache, predictor, scheduler } = await stage()
  scheduler.start()
  // Reads that were made elsewhere make a hundred pairs popular, which nobody reads here. Others need the room.
  await pass(clock, 60 * 6, () => {
    for (let pair = 0; pair < 160; pair++) cache.set(`P${pair}`, { price: 1 })
    for (let pair = 0; pair < 100; pair++)
      for (const _ of [1, 2]) predictor.recordAccess(`P${pair}`, { atMs: clock.now() })
    for (let pair = 100; pair < 160; pair++) cache.get(`P${pair}`)
  })
  const { slowed, nextRuns, performanceSummary } = scheduler.status()
  expect(performanceSummary.popular?.accuracy).toBeLessThan(0.05)
  expect(slowed.popular).toBeLessThan(0.05)
  expect((nextRuns.popular ?? 0) - clock.now()).toBeGreaterThan(30 * MINUTE_MS)
})

test.each([
  [{ popular: { every: '5m', limit: 3 } }, ['popular', MONDAY_MS + 10 * MINUTE_MS]],
  [{ popular: { cron: '45 9 * * *', timeZone: 'Europe/Berlin' } }, ['popular', MONDAY_MS + (7 * 60 + 45) * MINUTE_MS]],
  [{ popular: { enabled: false } }, ['popular', undefined]],
  [{ enabled: false }, ['trending', undefined]],
] as const)('the schedules %j of createCache are those of its scheduler', async (schedules, [name, nextMs]) => {
  const clock = virtualClock(MONDAY_MS)
  const cache = closedLater(await createCache({ l1Slots: 40, l2Enabled: false, env: {}, clock, schedules }))
  const { scheduler } = warming(cache)
  scheduler.start()
  await pass(clock, 6)
  expect(scheduler.status().nextRuns[name]).toBe(nextMs)
})

test('a schedule that is not allowed is refused when the cache is made', async () => {
  const schedules = { popular: { every: '5x' }, timeOfDay: { limit: 0 } }
  await expect(createCache({ l2Enabled: false, env: {}, schedules })).rejects.toThrow(/5x[\s\S]*limit/)
})

test('a warming that is closed runs no schedule any more', async () => {
  const { clock, scheduler, close } = await stage()
  scheduler.start()
  await close()
  const { cycleCount } = scheduler.status()
  await pass(clock, 120)
  expect(scheduler.status()).toMatchObject({ running: false, cycleCount })
})
