import { describe, expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import type { FirstLevel } from '../../../src/cache/l1/first-level.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { ObjectL1 } from '../../../src/cache/l1/objects.ts'
import { EVERYTHING, FOLLOWS, NEVER, Sources } from '../../../src/cache/sources/sources.ts'

const VERSION = 5 * VERSIONS_PER_MS
const NUMBERS = new Float64Array(NUMBER_COUNT).fill(1)
const SIZE = { slots: 4, maxPairs: 4 }

function originIn(l1: FirstLevel) {
  const price = emptyPrice()
  l1.peek(0, price)
  return { source: price.source, asOfMs: price.asOfMs }
}

const LEVELS: readonly (readonly [level: string, make: (sources: Sources) => FirstLevel])[] = [
  ['shared memory', (sources) => new L1({ ...SIZE, sources })],
  ['objects', (sources) => new ObjectL1({ ...SIZE, sources })],
]

describe.each(LEVELS)('the moment of a value in %s', (_, make) => {
  test('rises when the same value is read again, by the source that it was read with', () => {
    const sources = new Sources()
    const l1 = make(sources)
    l1.update(0, VERSION, NUMBERS, 0, sources.idOf('prices', 0))
    l1.fill(0, { ...emptyPrice(), version: VERSION, price: 1, source: EVERYTHING, asOfMs: FOLLOWS })
    expect(originIn(l1)).toEqual({ source: EVERYTHING, asOfMs: FOLLOWS })
    l1.fill(0, { ...emptyPrice(), version: VERSION, price: 1, source: EVERYTHING, asOfMs: 3 })
    expect(originIn(l1)).toEqual({ source: EVERYTHING, asOfMs: FOLLOWS })
  })

  test('is not lost when a newer value of the same source is read of which it is not known', () => {
    for (const [heldMs, knownMs] of [
      [7, 7],
      [FOLLOWS, 9],
    ] as const) {
      const sources = new Sources()
      const l1 = make(sources)
      const [source, other] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
      sources.raise(source, 9)
      const row = { ...emptyPrice(), price: 1 }
      l1.fill(0, { ...row, version: VERSION, source, asOfMs: heldMs })
      l1.fill(0, { ...row, version: VERSION + 1, source, asOfMs: NEVER })
      expect(originIn(l1)).toEqual({ source, asOfMs: knownMs })
      l1.fill(0, { ...row, version: VERSION + 2, source, asOfMs: 20 })
      expect(originIn(l1)).toEqual({ source, asOfMs: 20 })
      l1.fill(0, { ...row, version: VERSION + 3, source: other, asOfMs: NEVER })
      expect(originIn(l1)).toEqual({ source: other, asOfMs: NEVER })
    }
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

describe.each(LEVELS)('the moment of a value that comes to %s late', (_, make) => {
  test('does not follow a source that was lost, and perhaps got again, since that was decided', () => {
    for (const isRegained of [false, true]) {
      for (const way of ['fill', 'promote'] as const) {
        const sources = new Sources()
        const l1 = make(sources)
        const source = sources.idOf('prices', 0)
        sources.follow(source)
        const row = { ...emptyPrice(), version: VERSION, price: 1, source, asOfMs: FOLLOWS, epoch: sources.epoch }
        sources.lose(source)
        if (isRegained) sources.follow(source)
        l1[way](0, row)
        expect(originIn(l1)).toEqual({ source, asOfMs: NEVER })
        l1.fill(0, { ...row, epoch: sources.epoch, asOfMs: sources.asOfLoaded(source, sources.snapshot()) })
        expect(originIn(l1).asOfMs).toBe(isRegained ? FOLLOWS : NEVER)
      }
    }
  })

  test('is not known if sources were merged since it was decided: another partition may have had a newer one by then', () => {
    const sources = new Sources()
    const l1 = make(sources)
    const [first, second] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
    sources.follow(first)
    sources.raise(first, 30)
    sources.raise(second, 20)
    const rows = [FOLLOWS, 25].map((asOfMs) => ({
      ...{ ...emptyPrice(), version: VERSION, price: 1, source: first, asOfMs, epoch: sources.epoch },
    }))
    sources.merge(first, second)
    const origins = rows.map((row) => {
      l1.evict(0)
      l1.fill(0, row)
      return originIn(l1)
    })
    const source = sources.resolve(first)
    expect(origins).toEqual([
      { source, asOfMs: NEVER },
      { source, asOfMs: NEVER },
    ])
  })

  test('follows a source that the node has all the time, though other partitions came and went', () => {
    const sources = new Sources()
    const l1 = make(sources)
    const [source, other] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
    sources.follow(source)
    const row = { ...emptyPrice(), version: VERSION, price: 1, source, asOfMs: FOLLOWS, epoch: sources.epoch }
    sources.follow(other)
    sources.lose(other)
    l1.fill(0, row)
    expect(originIn(l1)).toEqual({ source, asOfMs: FOLLOWS })
  })
})
