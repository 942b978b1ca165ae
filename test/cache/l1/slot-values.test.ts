import { describe, expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import type { FirstLevel } from '../../../src/cache/l1/first-level.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { ObjectL1 } from '../../../src/cache/l1/objects.ts'
import { EVERYTHING, FOLLOWS, Sources } from '../../../src/cache/sources/sources.ts'

const VERSION = 5 * VERSIONS_PER_MS
const NUMBERS = new Float64Array(NUMBER_COUNT).fill(1)
const SIZE = { slots: 4, maxPairs: 4 }

function originIn(l1: FirstLevel) {
  const price = emptyPrice()
  l1.peek(0, price)
  return { source: price.source, asOfMs: price.asOfMs }
}

describe.each<readonly [level: string, make: (sources: Sources) => FirstLevel]>([
  ['shared memory', (sources) => new L1({ ...SIZE, sources })],
  ['objects', (sources) => new ObjectL1({ ...SIZE, sources })],
])('the moment of a value in %s', (_, make) => {
  test('rises when the same value is read again, by the source that it was read with', () => {
    const sources = new Sources()
    const l1 = make(sources)
    l1.update(0, VERSION, NUMBERS, 0, sources.idOf('prices', 0))
    l1.fill(0, { ...emptyPrice(), version: VERSION, price: 1, source: EVERYTHING, asOfMs: FOLLOWS })
    expect(originIn(l1)).toEqual({ source: EVERYTHING, asOfMs: FOLLOWS })
    l1.fill(0, { ...emptyPrice(), version: VERSION, price: 1, source: EVERYTHING, asOfMs: 3 })
    expect(originIn(l1)).toEqual({ source: EVERYTHING, asOfMs: FOLLOWS })
  })

  test('stands still when an update comes of another source that is not followed', () => {
    const sources = new Sources()
    const l1 = make(sources)
    const source = sources.idOf('prices', 0)
    sources.raise(source, 9)
    l1.fill(0, { ...emptyPrice(), version: VERSION, price: 1, source: EVERYTHING, asOfMs: FOLLOWS })
    const asOfMs = sources.asOf(EVERYTHING)
    l1.update(0, VERSION + 1, NUMBERS, 0, source)
    sources.raise(source, 20)
    expect(originIn(l1)).toEqual({ source, asOfMs })
    expect(asOfMs).toBe(9)
  })

  test('belongs to a followed pair if the node follows its source', () => {
    const sources = new Sources()
    const l1 = make(sources)
    const [here, elsewhere] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
    sources.follow(here)
    for (const [pairId, source] of [here, elsewhere, here].entries()) l1.update(pairId, VERSION, NUMBERS, 0, source)
    expect(l1.followedPairs()).toBe(2)
    l1.evict(0)
    sources.follow(elsewhere)
    expect(l1.followedPairs()).toBe(2)
  })
})
