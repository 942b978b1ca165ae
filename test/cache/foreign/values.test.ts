import { describe, expect, it } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { trackLoads } from '../../../src/cache/foreign/tracked-loads.ts'
import { ObjectL1 } from '../../../src/cache/l1/objects.ts'
import type { L2Load } from '../../../src/cache/l2/l2.ts'
import { StoredJson } from '../../../src/cache/values/stored-json.ts'
import { virtualClock } from '../../../src/clock.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'
import { cachedPrice } from '../l2/columns.ts'
import { stage } from './foreign-stage.ts'

const KEYS = 1_500
const NO_NUMBERS = new Float64Array(NUMBER_COUNT).fill(Number.NaN)

/** Values of any kind have no source, and L1 has objects. */
function values() {
  const l1 = new ObjectL1({ slots: KEYS, maxPairs: KEYS, keepsUpdates: true })
  const made = stage({ l1, maxPairs: KEYS, fenceMs: 1_000 })
  const stored = (key: number, version: number) => {
    const json = StoredJson.of(Buffer.from(`${version}`))
    const price = cachedPrice({ version, price: Number.NaN, json })
    made.tracking.values.set(key, { ok: true, price, sourceCode: 0 })
  }
  const into = emptyPrice()
  const held = (key: number) => (l1.peek(key, into) ? into.json?.value : undefined)
  /** This process sets the value, and L2 tells of it. */
  const set = (key: number, version: number) => {
    l1.update(key, version, NO_NUMBERS, 0, 0, new StoredJson(`${version}`))
    stored(key, version)
    made.tracking.told?.changed(key)
  }
  return { ...made, stored, held, set }
}

const valuesOf = (load: L2Load | undefined) =>
  load?.status === 'loaded' ? load.rows.map((row) => row?.json?.value) : load

describe('loads over the connection that tells', () => {
  it('bring values whose changes are told from then on, and leave L1 to whoever asked', async () => {
    const { foreign, tracking, timer, stored, held } = values()
    foreign.read(9, false)
    await timer.advance(20)
    for (const key of [1, 2]) stored(key, 5)
    expect(valuesOf(await foreign.load([1, 2, 3]))).toEqual([5, 5, undefined])
    expect([1, 2, 3].map((key) => foreign.isTold(key))).toEqual([true, true, true])
    expect(held(1)).toBeUndefined()
    stored(1, 6)
    tracking.told?.changed(1)
    await timer.advance(20)
    expect([foreign.isTold(1), held(1)]).toEqual([true, 6])
  })

  it('are read again when a change is told meanwhile', async () => {
    const { foreign, tracking, timer, stored, held } = values()
    foreign.read(9, false)
    await timer.advance(20)
    stored(1, 5)
    const load = foreign.load([1])
    tracking.told?.changed(1)
    expect(foreign.isTold(1)).toBe(false)
    stored(1, 6)
    await load
    await timer.advance(20)
    expect([foreign.isTold(1), held(1)]).toEqual([true, 6])
  })

  it('take the place of a reading that was about to begin, and leave one in flight alone', async () => {
    const { foreign, tracking, timer, stored, held } = values()
    foreign.read(9, false)
    await timer.advance(20)
    stored(1, 5)
    foreign.read(1, false)
    await foreign.load([1])
    const trips = tracking.trips.length
    await timer.advance(20)
    expect([tracking.trips.length, foreign.isTold(1)]).toEqual([trips, true])
    stored(2, 5)
    const both = [foreign.load([2]), foreign.load([2])]
    tracking.told?.changed(2)
    stored(2, 6)
    await Promise.all(both)
    await timer.advance(20)
    expect([foreign.isTold(2), held(2)]).toEqual([true, 6])
  })

  it('come to nothing while the connection is away, and before it is there', async () => {
    const { foreign, tracking, timer, stored } = values()
    stored(1, 5)
    tracking.open = () => undefined
    expect(await foreign.load([1])).toBeUndefined()
    const other = values()
    other.foreign.read(9, false)
    await other.timer.advance(20)
    other.tracking.isAway = true
    expect(await other.foreign.load([1])).toBeUndefined()
    await timer.advance(20)
    expect(other.foreign.isTold(1)).toBe(false)
  })

  it('go the usual way then, and are unavailable where nothing answers in time', async () => {
    const usual: L2Load = { status: 'loaded', rows: [] }
    const level = (answer: Promise<L2Load | undefined>) => {
      const timer = new ManualTimer(virtualClock())
      const made = { load: async () => usual }
      trackLoads(made, { load: () => answer }, { delayMs: 250, timer: timer.start })
      return { load: made.load(), timer }
    }
    expect(await level(Promise.resolve(undefined)).load).toBe(usual)
    const hanging = level(new Promise(() => undefined))
    await hanging.timer.advance(250)
    expect(await hanging.load).toEqual({ status: 'unavailable', reason: 'no answer within 250 ms' })
  })
})

describe('reads of values of any kind, which other processes set, too', () => {
  it('are told of changes once they were read over the connection that tells', async () => {
    const { foreign, tracking, timer, stored, held } = values()
    stored(1, 5)
    foreign.read(1, true)
    expect(foreign.isTold(1)).toBe(false)
    await timer.advance(20)
    expect([foreign.isTold(1), held(1)]).toEqual([true, 5])
    stored(1, 6)
    tracking.told?.changed(1)
    expect(foreign.isTold(1)).toBe(false)
    await timer.advance(20)
    expect([foreign.isTold(1), held(1)]).toEqual([true, 6])
    tracking.told?.lost()
    expect(foreign.isTold(1)).toBe(false)
  })

  it('do not take what this process sets for changes that are none', async () => {
    const { foreign, tracking, timer, set } = values()
    for (let key = 0; key < KEYS; key++) foreign.read(key, true)
    await timer.advance(20)
    for (let version = 1; version <= 4; version++) {
      for (let key = 0; key < KEYS; key++) set(key, version)
      await timer.advance(400)
      for (let key = 0; key < KEYS; key++) foreign.read(key, true)
    }
    expect(tracking.silent).toEqual([])
  })

  it('are polled if most messages tell of no change, as those of prices', async () => {
    const { foreign, tracking, timer, stored } = values()
    for (let key = 0; key < KEYS; key++) stored(key, 1)
    for (let round = 0; round < 5; round++) {
      for (let key = 0; key < KEYS; key++) foreign.read(key, true)
      await timer.advance(400)
      for (let key = 0; key < KEYS; key++) tracking.told?.changed(key)
    }
    expect(tracking.silent).toContain(true)
  })
})
