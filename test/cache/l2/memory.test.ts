import { describe, expect, it } from '@jest/globals'
import { createMemoryL2 } from '../../../src/cache/l2/memory.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { virtualClock } from '../../../src/clock.ts'
import { cachedPrice, columnsOf } from './columns.ts'
import { l2Conformance } from './conformance.ts'

const TTL_MS = 1_000

l2Conformance('memory', async () => {
  const clock = virtualClock(1_000_000)
  const newer: [number, number][] = []
  const onNewer = (pairId: number, floor: number) => void newer.push([pairId, floor])
  const l2 = createMemoryL2({ clock, random: () => 0.5, ttlMs: TTL_MS, onNewer })
  await l2.start()
  return {
    l2,
    table: new PairTable({ maxPairs: 10_000 }),
    chain: 'ethereum',
    ttlMs: TTL_MS,
    newer,
    outlive: async () => clock.advanceTo(clock.now() + TTL_MS * 1.1),
    close: () => l2.close(),
  }
})

describe('the second level in memory', () => {
  it('lets values that were written together expire apart, within a tenth of the TTL', async () => {
    const clock = virtualClock(1_000_000)
    const draws = [0, 0.999_999]
    const l2 = createMemoryL2({ clock, random: () => draws.shift() ?? 0.5, ttlMs: TTL_MS })
    await l2.write(
      columnsOf([
        { pairId: 0, version: 1 },
        { pairId: 1, version: 1 },
      ]),
      0,
      2,
    )
    clock.advanceTo(1_000_899)
    expect(await l2.load([0, 1])).toEqual({
      status: 'loaded',
      rows: [cachedPrice({ version: 1 }), cachedPrice({ version: 1 })],
    })
    clock.advanceTo(1_000_900)
    expect(await l2.load([0, 1])).toEqual({ status: 'loaded', rows: [undefined, cachedPrice({ version: 1 })] })
    clock.advanceTo(1_001_100)
    expect(await l2.load([0, 1])).toEqual({ status: 'loaded', rows: [undefined, undefined] })
  })
})
