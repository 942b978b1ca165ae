import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TrackedPairs } from '../../src/correlation/tracked-pairs.ts'

const PLACES = 4
/** A pair may lose its place after so many sightings of others. */
const LONG = 4 * PLACES

function tracked(places = PLACES): { readonly pairs: TrackedPairs; readonly given: number[] } {
  const given: number[] = []
  return { pairs: new TrackedPairs(places, (place) => given.push(place)), given }
}

function see(pairs: TrackedPairs, ...pairIds: readonly number[]): void {
  for (const pairId of pairIds) pairs.see(pairId)
}

/** Sees these pairs in turn, for so long that others may lose their places. */
function seeForLong(pairs: TrackedPairs, ...pairIds: readonly number[]): void {
  for (let i = 0; i < LONG; i++) see(pairs, ...pairIds)
}

describe('a pair', () => {
  test('keeps the place that it got first, whatever its id', () => {
    const { pairs } = tracked()
    expect([900_000, 3, 900_000, 70].map((pairId) => pairs.see(pairId))).toEqual([0, 1, 0, 2])
    expect([0, 1, 2, 3].map((place) => pairs.pairAt(place))).toEqual([900_000, 3, 70, -1])
    expect(pairs.find(4)).toBe(-1)
  })

  test('gets no place while all places have pairs that were seen lately', () => {
    const { pairs, given } = tracked()
    see(pairs, 1, 2, 3, 4)
    expect(pairs.see(5)).toBe(-1)
    expect([pairs.find(1), given]).toEqual([0, []])
  })

  test('gets the place of the pair that was unseen for longest', () => {
    const { pairs, given } = tracked()
    see(pairs, 1, 2, 3, 4, 2, 1)
    seeForLong(pairs, 1, 4)
    expect(pairs.see(5)).toBe(2)
    expect([pairs.find(3), pairs.find(5), given]).toEqual([-1, 2, [2]])
  })

  test('that lost its place gets another one when it is seen again', () => {
    const { pairs } = tracked()
    see(pairs, 1, 2, 3, 4)
    seeForLong(pairs, 3, 4)
    see(pairs, 5)
    expect([pairs.find(1), pairs.see(1)]).toEqual([-1, 1])
  })

  test('keeps its place beside one that is seen a million times', () => {
    const places = 64
    const { pairs, given } = tracked(places)
    for (let pairId = 0; pairId < places; pairId++) see(pairs, pairId)
    for (let i = 0; i < 1_000_000; i++) pairs.see(7)
    expect([pairs.see(64), pairs.find(0), given]).toEqual([-1, 0, []])
  })

  test('that was released leaves its place to the next one, which takes it from nobody', () => {
    const { pairs, given } = tracked()
    see(pairs, 1, 2, 3, 4)
    expect([pairs.release(2), pairs.release(2), pairs.release(77)]).toEqual([1, -1, -1])
    expect([pairs.pairAt(1), pairs.see(9), given]).toEqual([-1, 1, []])
  })

  test('with an invalid id gets no place', () => {
    const { pairs } = tracked()
    expect([-1, Number.NaN].map((pairId) => pairs.see(pairId))).toEqual([-1, -1])
  })
})

test('no two pairs have the same place, whoever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(12), fc.boolean()), { maxLength: 400, size: 'max' }), (events) => {
      const { pairs } = tracked()
      for (const [pairId, isReleased] of events) {
        if (isReleased) pairs.release(pairId)
        else pairs.see(pairId)
        const places = Array.from({ length: 13 }, (_, id) => pairs.find(id)).filter((place) => place >= 0)
        if (new Set(places).size !== places.length) throw new Error('two pairs have one place')
        if (places.some((place) => place >= PLACES)) throw new Error('a place beyond the last one')
        for (let place = 0; place < PLACES; place++) {
          const held = pairs.pairAt(place)
          if (held >= 0 && pairs.find(held) !== place) throw new Error('the pair of a place has another one')
        }
      }
    }),
  )
})
