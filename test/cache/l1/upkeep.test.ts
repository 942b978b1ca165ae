import { describe, expect, test } from '@jest/globals'
import { MemoryPressure } from '../../../src/cache/l1/memory-pressure.ts'
import { Upkeep } from '../../../src/cache/l1/upkeep.ts'
import { virtualClock } from '../../../src/clock.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'

function stage(tickMs: number) {
  const time = virtualClock(1_000)
  const timer = new ManualTimer(time)
  const told: number[] = []
  const resized: (readonly [number, number])[] = []
  const memory = { used: 0.5 }
  const upkeep = new Upkeep({
    l1: { tickMs, tick: (nowMs) => told.push(nowMs), resize: (slots, warms) => resized.push([slots, warms]) },
    clock: { now: () => time.now() },
    memoryUsed: () => memory.used,
    timer: timer.start,
  })
  return { upkeep, timer, told, resized, memory }
}

describe('upkeep', () => {
  test('tells L1 the time at every tick from the start until it is closed, and may be closed twice', async () => {
    const { upkeep, timer, told } = stage(100)
    upkeep.start()
    upkeep.start()
    await timer.advance(250)
    upkeep.close()
    upkeep.close()
    await timer.advance(250)
    upkeep.start()
    expect(told).toEqual([1_000, 1_100, 1_200])
  })

  test('tells L1 the time of a replay whenever it moves', () => {
    const clock = virtualClock(5)
    const told: number[] = []
    const l1 = { tickMs: 100, tick: (nowMs: number) => told.push(nowMs), resize: () => {} }
    const upkeep = new Upkeep({ l1, clock, memoryUsed: () => 0, timer: () => () => {} })
    upkeep.start()
    clock.advanceTo(7)
    upkeep.close()
    clock.advanceTo(9)
    expect(told).toEqual([5, 7])
  })

  test('looks at memory once a second and takes one step at a time', async () => {
    const { upkeep, timer, resized, memory } = stage(100)
    upkeep.start()
    await timer.advance(2_000)
    expect(resized).toEqual([])
    memory.used = 0.99
    await timer.advance(3_000)
    expect([resized, upkeep.pressure.level]).toEqual([
      [
        [1, 0.5],
        [1, 0],
        [0.75, 0],
      ],
      0.6,
    ])
    memory.used = 0.5
    await timer.advance(3_000)
    expect([resized.at(-1), upkeep.pressure.level]).toEqual([[1, 1], 0])
    upkeep.close()
  })
})

test('the reads a second and the hit ratio cover the last ten seconds, and are undefined before the first look', async () => {
  const clock = virtualClock(0)
  const timer = new ManualTimer(clock)
  const reads = { hits: 1_000, misses: 0 }
  const l1 = { tickMs: 1_000, tick: () => {}, resize: () => {} }
  const upkeep = new Upkeep({
    l1,
    clock: { now: () => clock.now() },
    memoryUsed: () => 0,
    reads: () => ({ ...reads }),
    timer: timer.start,
  })
  upkeep.start()
  expect([upkeep.readsPerSecond, upkeep.hitRatio]).toEqual([undefined, undefined])
  for (let second = 0; second < 20; second++) {
    reads.hits += second < 10 ? 50 : 6
    reads.misses += second < 10 ? 0 : 2
    await timer.advance(1_000)
  }
  expect([upkeep.readsPerSecond, upkeep.hitRatio]).toEqual([8, 0.75])
  upkeep.close()
})

describe('memory pressure', () => {
  test('leaves L1 a quarter of its slots, however short memory is', () => {
    const pressure = new MemoryPressure()
    const shares = Array.from({ length: 10 }, () => pressure.look(2)).filter((step) => step !== undefined)
    expect([shares.at(-1), pressure.level]).toEqual([{ slots: 0.25, warms: 0 }, 1])
  })

  test('changes nothing while the memory in use is between the two bounds', () => {
    const pressure = new MemoryPressure()
    pressure.look(0.96)
    expect([pressure.look(0.9), pressure.look(0.86), pressure.look(0.84)?.warms]).toEqual([undefined, undefined, 1])
  })
})
