import { expect, test } from '@jest/globals'
import { scheduled } from '../../../bench/traffic/scheduled.ts'
import { plantedReads } from '../../../bench/traffic/timed-reads.ts'

const daily = () => plantedReads('daily', { pairs: 400, seed: 5, hours: 24 })

test('a day that repeats is played with and without its schedule: the same reads, more of them hits', async () => {
  const off = await scheduled(daily(), { slots: 80, schedules: [] })
  const on = await scheduled(daily(), { slots: 80, schedules: ['timeOfDay'] })
  expect(off).toMatchObject({ cycles: 0, warms: {} })
  expect(on.cycles).toBeGreaterThanOrEqual(24)
  const { used = 0, unused = 0 } = on.warms.time_of_day ?? {}
  expect(used / (used + unused)).toBeGreaterThan(0.8)
  expect(on.hitRatio).toBeGreaterThan(off.hitRatio)
}, 60_000)

test('the same traffic is played the same way twice', async () => {
  const once = () => scheduled(daily(), { slots: 80, schedules: ['popular'] })
  expect(await once()).toEqual(await once())
}, 60_000)
