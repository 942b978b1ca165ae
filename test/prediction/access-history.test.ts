import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { AccessHistory } from '../../src/prediction/access-history.ts'
import { MONDAY, ms } from './histories.ts'

describe('the history of reads', () => {
  test('counts by pair and hour', () => {
    const history = new AccessHistory({ maxPairs: 10 })
    for (const hour of [MONDAY, MONDAY, MONDAY + 2]) history.record(3, ms(hour))
    expect([0, 1, 2].map((after) => history.in(3, MONDAY + after))).toEqual([2, 0, 1])
    expect([history.total, history.pairs, history.firstHour, history.lastHour]).toEqual([3, 4, MONDAY, MONDAY + 2])
  })

  test('keeps a week, and forgets the hour that the newest one replaces', () => {
    const history = new AccessHistory({ maxPairs: 10 })
    history.record(1, ms(MONDAY))
    history.advance(MONDAY + 167)
    expect(history.in(1, MONDAY)).toBe(1)
    history.advance(MONDAY + 168)
    expect([history.in(1, MONDAY), history.in(1, MONDAY + 168), history.firstHour]).toEqual([0, 0, MONDAY + 1])
  })

  test('takes reads that come late into their hour, and counts those that come too late', () => {
    const history = new AccessHistory({ maxPairs: 10 })
    history.record(1, ms(MONDAY + 10))
    history.record(1, ms(MONDAY + 4))
    history.record(1, ms(MONDAY - 200))
    expect([history.in(1, MONDAY + 4), history.late, history.total]).toEqual([1, 1, 2])
  })

  test('refuses pairs beyond its bound, and counts them', () => {
    const history = new AccessHistory({ maxPairs: 3 })
    history.record(3, ms(MONDAY))
    expect([history.refused, history.pairs, history.total]).toEqual([1, 0, 0])
  })

  test('refuses reads at no time, and counts them', () => {
    const history = new AccessHistory({ maxPairs: 3 })
    for (const atMs of [Number.NaN, -1]) history.record(0, atMs)
    expect([history.refused, history.total, history.lastHour]).toEqual([2, 0, -1])
  })

  test('stands still at its highest count', () => {
    const history = new AccessHistory({ maxPairs: 3 })
    history.record(0, ms(MONDAY), 65_000)
    history.record(0, ms(MONDAY), 65_000)
    expect(history.in(0, MONDAY)).toBe(65_535)
  })

  test('weighs the reads of each hour, of each pair', () => {
    const history = new AccessHistory({ maxPairs: 2_001 })
    expect([...history.weighted(() => 1)]).toEqual([])
    for (const [pairId, hour] of [
      [0, 0],
      [0, 100],
      [3, 100],
      [3, 200],
      [1_500, 200],
    ] as const)
      history.record(pairId, ms(MONDAY + hour), hour + 1)
    const weighted = history.weighted((hour) => (hour === MONDAY + 200 ? 0.5 : 2))
    // The first hour is no longer kept.
    expect([0, 1, 3, 1_500].map((pairId) => weighted[pairId])).toEqual([202, 0, 202 + 100.5, 100.5])
    expect(weighted).toHaveLength(history.pairs)
  })

  test('counts what a plain count of the same reads counts, whatever their order', () => {
    const reads = fc.array(fc.record({ pairId: fc.nat(40), hour: fc.nat(400) }), { maxLength: 200 })
    fc.assert(
      fc.property(reads, (all) => {
        const history = new AccessHistory({ maxPairs: 2_001 })
        const plain = new Map<string, number>()
        let last = 0
        for (const { pairId, hour } of all) {
          last = Math.max(last, hour)
          history.record(pairId * 50, ms(MONDAY + hour))
          if (hour > last - 168) plain.set(`${pairId} ${hour}`, (plain.get(`${pairId} ${hour}`) ?? 0) + 1)
        }
        for (const [key, count] of plain) {
          const [pairId = 0, hour = 0] = key.split(' ').map(Number)
          expect(history.in(pairId * 50, MONDAY + hour)).toBe(hour > last - 168 ? count : 0)
        }
      }),
      { numRuns: 200 },
    )
  })
})
