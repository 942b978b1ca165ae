import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { AccessHistory } from '../../src/prediction/access-history.ts'
import { MONDAY, ms } from './histories.ts'

describe('the history of reads', () => {
  test('counts by pair and hour', () => {
    const history = new AccessHistory({ maxPairs: 10 })
    for (const hour of [MONDAY, MONDAY, MONDAY + 2]) history.record(3, ms(hour))
    expect([0, 1, 2].map((after) => history.in(3, MONDAY + after))).toEqual([2, 0, 1])
    expect([history.total, history.places, history.firstHour, history.lastHour]).toEqual([3, 4, MONDAY, MONDAY + 2])
  })

  test('keeps a week, and forgets the hour that the newest one replaces', () => {
    const history = new AccessHistory({ maxPairs: 10 })
    history.record(1, ms(MONDAY))
    history.advance(MONDAY + 167)
    expect(history.in(1, MONDAY)).toBe(1)
    history.advance(MONDAY + 168)
    expect([history.in(1, MONDAY), history.in(1, MONDAY + 168), history.firstHour]).toEqual([0, 0, MONDAY + 1])
  })

  test('counts late reads in their hour, and counts those that come too late', () => {
    const history = new AccessHistory({ maxPairs: 10 })
    history.record(1, ms(MONDAY + 10))
    history.record(1, ms(MONDAY + 4))
    history.record(1, ms(MONDAY - 200))
    expect([history.in(1, MONDAY + 4), history.late, history.total]).toEqual([1, 1, 2])
  })

  test('keeps a bounded number of pairs, whatever their ids, and counts the reads of others', () => {
    const history = new AccessHistory({ maxPairs: 2 })
    for (const pairId of [1, 70, 900_000, 70]) history.record(pairId, ms(MONDAY))
    expect([1, 70, 900_000].map((pairId) => history.in(pairId, MONDAY))).toEqual([1, 2, 0])
    expect([history.refusedReads, history.places, history.total]).toEqual([1, 2, 3])
    // Nobody had these places before.
    expect(history.recycled).toBe(0)
  })

  test('gives the place of a pair without reads in the kept hours to another one', () => {
    const history = new AccessHistory({ maxPairs: 2 })
    const readAt = (hour: number) => [0, 1, 2, 3].map((pairId) => history.in(pairId, MONDAY + hour))
    for (const pairId of [0, 1]) history.record(pairId, ms(MONDAY))
    history.record(1, ms(MONDAY + 1))
    history.record(2, ms(MONDAY + 167))
    expect([history.refusedReads, history.hasRoomFor(2), history.hasRoomFor(1)]).toEqual([1, false, true])
    history.record(2, ms(MONDAY + 168))
    // The new pair has none of the reads of the old one.
    expect([readAt(168), readAt(1)]).toEqual([
      [0, 0, 1, 0],
      [0, 1, 0, 0],
    ])
    // The first pair has no place now, and gets the next empty one.
    history.record(0, ms(MONDAY + 168))
    history.record(0, ms(MONDAY + 169))
    expect([readAt(169), history.refusedReads, [...history.pairIds()].toSorted()]).toEqual([[1, 0, 0, 0], 2, [0, 2]])
    expect(history.recycled).toBe(2)
  })

  test('refuses reads at invalid times, and counts them', () => {
    const history = new AccessHistory({ maxPairs: 3 })
    for (const atMs of [Number.NaN, -1]) history.record(0, atMs)
    expect([history.refusedReads, history.total, history.lastHour]).toEqual([2, 0, -1])
  })

  test('stops counting at 65,535', () => {
    const history = new AccessHistory({ maxPairs: 3 })
    history.record(0, ms(MONDAY), 65_000)
    history.record(0, ms(MONDAY), 65_000)
    expect(history.in(0, MONDAY)).toBe(65_535)
  })

  test('sums the reads of each pair, weighted by hour', () => {
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
    expect(weighted).toHaveLength(history.places)
  })

  test('counts the same as a plain count, whatever the order of reads', () => {
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

  test('keeps the same as a plain count with the same bound, of more pairs than it has places for', () => {
    const step = fc.record({
      pairId: fc.nat(9),
      later: fc.constantFrom(0, 0, 0, 1, 5, 30),
      ago: fc.constantFrom(0, 0, 3, 40),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 150 }), (maxPairs, steps) => {
        const history = new AccessHistory({ maxPairs, hours: 24 })
        const plain = new PlainHistory(maxPairs, 24)
        let hour = MONDAY
        for (const { pairId, later, ago } of steps) {
          hour += later
          history.record(pairId, ms(hour - ago))
          plain.record(pairId, hour - ago)
        }
        expect([history.refusedReads, history.late]).toEqual([plain.refusedReads, plain.late])
        expect([...history.pairIds()].toSorted((a, b) => a - b)).toEqual(plain.pairIds())
        const hours = Array.from({ length: 80 }, (_, ago) => hour - ago)
        for (let pairId = 0; pairId < 10; pairId++)
          expect(hours.map((at) => history.in(pairId, at))).toEqual(hours.map((at) => plain.in(pairId, at)))
        const weighted = [...history.weighted(() => 1).entries()].filter(([, sum]) => sum > 0)
        for (const [place, sum] of weighted) expect(sum).toBe(plain.sumOf(history.pairAt(place)))
        expect(weighted).toHaveLength(plain.pairIds().length)
      }),
      { numRuns: 150 },
    )
  })
})

/** Reads by pair and hour. A pair without reads is dropped, and a new one is taken while there are fewer than `maxPairs`. */
class PlainHistory {
  refusedReads = 0
  late = 0
  readonly #reads = new Map<number, Map<number, number>>()
  readonly #maxPairs: number
  readonly #hours: number
  #last = -1

  constructor(maxPairs: number, hours: number) {
    this.#maxPairs = maxPairs
    this.#hours = hours
  }

  record(pairId: number, hour: number): void {
    if (hour <= this.#last - this.#hours) {
      this.late++
      return
    }
    this.#last = Math.max(this.#last, hour)
    for (const [known, byHour] of this.#reads) {
      for (const at of byHour.keys()) if (at <= this.#last - this.#hours) byHour.delete(at)
      if (byHour.size === 0) this.#reads.delete(known)
    }
    const byHour = this.#reads.get(pairId) ?? (this.#reads.size < this.#maxPairs ? new Map() : undefined)
    if (byHour === undefined) {
      this.refusedReads++
      return
    }
    this.#reads.set(pairId, byHour)
    byHour.set(hour, (byHour.get(hour) ?? 0) + 1)
  }

  in(pairId: number, hour: number): number {
    return this.#reads.get(pairId)?.get(hour) ?? 0
  }

  sumOf(pairId: number): number {
    return [...(this.#reads.get(pairId)?.values() ?? [])].reduce((sum, reads) => sum + reads, 0)
  }

  pairIds(): readonly number[] {
    return [...this.#reads.keys()].toSorted((a, b) => a - b)
  }
}
