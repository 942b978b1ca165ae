import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { createL1Memory } from '../../../src/cache/l1/memory.ts'
import { L1Reader } from '../../../src/cache/l1/reader.ts'
import { FOLLOWS, NEVER, Sources } from '../../../src/cache/sources/sources.ts'
import { mutantOf } from '../../harness/mutant.ts'
import { cachedPrice } from '../l2/columns.ts'
import { isPriceOf, priceAt } from './schedules.ts'

const numbersOf = (price: number, ask = Number.NaN) =>
  Float64Array.of(price, Number.NaN, ask, Number.NaN, Number.NaN, Number.NaN)

afterEach(() => {
  jest.restoreAllMocks()
})

describe('an L1Reader', () => {
  test('reads the prices of the writer, with absent numbers as absent', () => {
    const l1 = new L1({ slots: 4, maxPairs: 8 })
    l1.update(3, 5 * 4096, numbersOf(2, 2.5), 0)
    const reader = new L1Reader(l1.buffer)
    const into = emptyPrice()
    expect(reader.get(3, into)).toBe(true)
    expect(into).toEqual(cachedPrice({ version: 5 * 4096, price: 2, ask: 2.5, epoch: Number.POSITIVE_INFINITY }))
    l1.update(3, 6 * 4096, numbersOf(4), 0)
    expect([reader.get(3, into), into.price, into.ask]).toEqual([true, 4, Number.NaN])
    expect([reader.hits, reader.misses]).toEqual([2, 0])
  })

  test('misses pairs that are not resident or were delisted, and impossible ids', () => {
    const l1 = new L1({ slots: 4, maxPairs: 8 })
    l1.update(0, 1, numbersOf(1), 0)
    l1.remove(0)
    const reader = new L1Reader(l1.buffer)
    for (const pairId of [0, 1, 7, 8, 1e9]) expect(reader.get(pairId, emptyPrice())).toBe(false)
    expect([reader.hits, reader.misses]).toEqual([0, 5])
  })

  test('that attaches late reads as if it had been there from the start', () => {
    const l1 = new L1({ slots: 2, maxPairs: 4 })
    for (let version = 1; version < 100; version++) l1.update(version % 2, version, numbersOf(version), 0)
    const into = emptyPrice()
    expect([new L1Reader(l1.buffer).get(1, into), into.version]).toEqual([true, 99])
  })

  test('makes a warm that it has read a demand entry, where an unread one would be evicted', () => {
    const l1 = new L1({ slots: 4, maxPairs: 20, warmShare: 0.5 })
    for (let pairId = 0; pairId < 2; pairId++) l1.promote(pairId, cachedPrice({ version: 1 }))
    const reader = new L1Reader(l1.buffer)
    expect(reader.get(0, emptyPrice())).toBe(true)
    l1.promote(2, cachedPrice({ version: 1 }))
    l1.promote(3, cachedPrice({ version: 1 }))
    expect(l1.has(0)).toBe(true)
    expect(l1.has(1)).toBe(false)
    expect(l1.usage.warmCounts).toMatchObject({ used: 1, unused: 1 })
  })

  test('keeps an entry that it reads twice from being evicted', () => {
    const l1 = new L1({ slots: 4, maxPairs: 100, warmShare: 0 })
    const reader = new L1Reader(l1.buffer)
    for (let pairId = 0; pairId < 4; pairId++) l1.fill(pairId, cachedPrice({ version: 1 }))
    for (let read = 0; read < 2; read++) reader.get(0, emptyPrice())
    for (let pairId = 4; pairId < 7; pairId++) l1.fill(pairId, cachedPrice({ version: 1 }))
    expect(l1.has(0)).toBe(true)
    expect(l1.has(1)).toBe(false)
  })

  test('reads no older value than before of a pair that comes back to a slot that it had', () => {
    const l1 = new L1({ slots: 2, maxPairs: 3 })
    const reader = new L1Reader(l1.buffer)
    const into = emptyPrice()
    const seen: number[] = []
    const store = Atomics.store
    jest.spyOn(Atomics, 'store').mockImplementation(((...args: Parameters<typeof store>) => {
      store(...args)
      if (reader.get(0, into)) seen.push(into.version)
      return args[2]
    }) as typeof store)
    let version = 0
    const update = (pairId: number) => l1.update(pairId, ++version, numbersOf(version), 0)
    for (const pairId of [0, 1]) update(pairId)
    for (const pairId of [0, 1]) l1.remove(pairId)
    // The slot that became free last is taken first: pair 0 has the other slot, then that of its first value again.
    update(0)
    l1.remove(0)
    for (const pairId of [2, 0]) update(pairId)
    expect([...new Set(seen)]).toEqual([1, 3, 5])
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })

  test('reads whole prices, wherever the writer stopped for ever', () => {
    const store = Atomics.store
    for (let lastStore = 0; ; lastStore++) {
      const l1 = new L1({ slots: 2, maxPairs: 4, warmShare: 0.5 })
      l1.fill(0, priceAt(0, 1))
      l1.promote(1, priceAt(1, 1))
      const before = [0, 1].filter((pairId) => l1.has(pairId))
      let stores = 0
      jest.spyOn(Atomics, 'store').mockImplementation(((...args: Parameters<typeof store>) => {
        if (stores++ === lastStore) throw new Error('the writer is dead')
        return store(...args)
      }) as typeof store)
      let isDead = false
      try {
        l1.promote(1, priceAt(1, 2))
        l1.fill(2, priceAt(2, 3))
        l1.promote(3, priceAt(3, 4))
      } catch {
        isDead = true
      }
      jest.restoreAllMocks()
      const reader = new L1Reader(l1.buffer)
      const into = emptyPrice()
      for (let pairId = 0; pairId < 4; pairId++)
        if (reader.get(pairId, into)) expect(isPriceOf(pairId, into)).toBe(true)
      expect(before).toEqual([0, 1])
      if (!isDead) {
        expect(lastStore).toBeGreaterThan(20)
        return
      }
    }
  })
})

/** Counts torn reads: during each read two updates come, each time at another point of it. */
function tornReads(Reader: typeof L1Reader): number {
  const load = Atomics.load
  let torn = 0
  for (let point = 0; point < 20; point++) {
    const l1 = new L1({ slots: 2, maxPairs: 2 })
    l1.fill(0, priceAt(0, 1))
    const reader = new Reader(l1.buffer)
    let loads = 0
    jest.spyOn(Atomics, 'load').mockImplementation(((...args: Parameters<typeof load>) => {
      if (loads++ === point) for (const version of [2, 3]) l1.fill(0, priceAt(0, version))
      return load(...args)
    }) as typeof load)
    const into = emptyPrice()
    if (reader.get(0, into) && !isPriceOf(0, into)) torn++
    jest.restoreAllMocks()
  }
  return torn
}

describe('the moment that an L1Reader gives', () => {
  /** Calls `act` before or after each store, or load, in turn; returns what `look` gave. */
  function atEach<T>(what: 'load' | 'store', play: (point: number) => { act: () => T; run: () => void }): T[] {
    const seen: T[] = []
    const call = Atomics[what] as (...args: unknown[]) => unknown
    for (let point = 0; point < 40; point++) {
      const { act, run } = play(point)
      let calls = 0
      const mock = jest.spyOn(Atomics, what).mockImplementation(((...args: unknown[]) => {
        const result = what === 'store' ? call(...args) : undefined
        if (calls++ === point) {
          mock.mockRestore()
          seen.push(act())
        }
        return what === 'store' ? result : call(...args)
      }) as never)
      run()
      mock.mockRestore()
    }
    return seen
  }

  test('is none of the pair that had the slot before, at any point of a fill', () => {
    const seen = atEach('store', () => {
      const sources = new Sources()
      const l1 = new L1({ slots: 1, maxPairs: 2, sources })
      const [old, source] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
      for (const id of [old, source]) sources.follow(id)
      sources.raise(source, 5)
      l1.fill(0, { ...priceAt(0, 1), source: old, asOfMs: 9, epoch: sources.epoch })
      const reader = new L1Reader(l1.buffer, sources.buffer)
      return {
        act: () => {
          const into = emptyPrice()
          return reader.get(1, into) ? into.asOfMs : NEVER
        },
        run: () => void l1.fill(1, { ...priceAt(1, 1), source, asOfMs: FOLLOWS, epoch: sources.epoch }),
      }
    })
    expect([...new Set(seen)].sort()).toEqual([NEVER, 5].sort())
  })

  test('is none of a partition that was merged while its value was read', () => {
    const seen: number[] = []
    atEach('load', () => {
      const sources = new Sources()
      const l1 = new L1({ slots: 1, maxPairs: 1, sources })
      const [first, second] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
      for (const id of [first, second]) sources.follow(id)
      for (const id of [first, second]) sources.raise(id, 5)
      l1.fill(0, { ...priceAt(0, 1), source: first, asOfMs: FOLLOWS, epoch: sources.epoch })
      sources.onMerged = () => l1.resolveSources()
      const reader = new L1Reader(l1.buffer, sources.buffer)
      return {
        act: () => {
          sources.merge(first, second)
          sources.raise(first, 9)
        },
        run: () => {
          const into = emptyPrice()
          if (reader.get(0, into)) seen.push(into.asOfMs)
        },
      }
    })
    // Without a merge during the read, it is what the partition has.
    expect(new Set(seen)).toEqual(new Set([5]))
  })
})

describe('updates during a read of an L1Reader', () => {
  test('never give it a torn price', () => {
    expect(tornReads(L1Reader)).toBe(0)
  })

  test('would give a torn price to a reader that did not look at the generation again', async () => {
    const mutant = mutantOf(
      new URL('../../../src/cache/l1/reader.ts', import.meta.url),
      'if (Atomics.load(this.#generations, slot) !== generation) continue',
      '',
    )
    try {
      expect(tornReads((await import(mutant.url)).L1Reader)).toBeGreaterThan(0)
    } finally {
      mutant.remove()
    }
  })
})

describe('shared memory of L1', () => {
  const { buffer } = createL1Memory({ slots: 4, maxPairs: 8 })
  const changed = (word: number, value: number): SharedArrayBuffer => {
    const copy = new SharedArrayBuffer(buffer.byteLength)
    new Uint8Array(copy).set(new Uint8Array(buffer))
    new Int32Array(copy)[word] = value
    return copy
  }

  test.each([
    ['that is no shared memory', undefined as never],
    ['that is too short', new SharedArrayBuffer(8)],
    ['of something else', new SharedArrayBuffer(buffer.byteLength)],
    ['of another layout', changed(1, 99)],
    ['of another size', changed(2, 5)],
    ['that says it has no slots', changed(2, 0)],
    ['with more pairs than fit', changed(3, 2 ** 30)],
  ])('%s is refused', (_, given) => {
    expect(() => new L1Reader(given)).toThrow(expect.objectContaining({ code: 'bad-shared-memory' }))
  })

  test('takes no more bytes than its slots and pairs need', () => {
    expect(buffer.byteLength).toBe(64 + 4 * (2 * 64 + 8 + 4 + 4 + 1) + 8 * (8 + 4))
    expect(NUMBER_COUNT).toBe(6)
  })

  test('holds at most as many pairs as a tag can name', () => {
    expect(() => createL1Memory({ slots: 1, maxPairs: 2 ** 26 + 1 })).toThrow(RangeError)
  })
})
