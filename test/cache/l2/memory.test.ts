import { describe, expect, it } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { createMemoryL2 } from '../../../src/cache/l2/memory.ts'
import { WriteBehind } from '../../../src/cache/l2/write-behind.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { FOLLOWS, NEVER, Sources } from '../../../src/cache/sources/sources.ts'
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

describe('a value that waits for the second level in memory, or is in it', () => {
  it('follows its source only if the node has had that since the value came', async () => {
    const clock = virtualClock(1_000_000)
    const sources = new Sources()
    const [source, other] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
    const l2 = createMemoryL2({ clock, random: () => 0.5, ttlMs: TTL_MS, sources })
    const writeBehind = new WriteBehind({ l2, flushMs: 10, capacity: 1, maxPairs: 1, sources })
    const moments = async (): Promise<(number | undefined)[]> => {
      const waiting = emptyPrice()
      const isWaiting = writeBehind.pending(0, waiting)
      const load = await l2.load([0])
      const stored = load.status === 'loaded' ? load.rows[0] : undefined
      return [isWaiting ? waiting.asOfMs : undefined, stored?.asOfMs]
    }
    const add = (version: number) => writeBehind.add(0, version, new Float64Array(NUMBER_COUNT).fill(1), 0, source)
    sources.follow(source)
    add(1)
    await writeBehind.flush()
    add(2)
    sources.follow(other)
    expect(await moments()).toEqual([FOLLOWS, FOLLOWS])
    sources.lose(source)
    expect(await moments()).toEqual([NEVER, NEVER])
    sources.follow(source)
    expect(await moments()).toEqual([NEVER, NEVER])
    await writeBehind.flush()
    expect(await moments()).toEqual([undefined, NEVER])
    add(3)
    await writeBehind.close()
    expect(await moments()).toEqual([undefined, FOLLOWS])
  })
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
