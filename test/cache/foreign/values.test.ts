import { describe, expect, it } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { ObjectL1 } from '../../../src/cache/l1/objects.ts'
import { StoredJson } from '../../../src/cache/values/stored-json.ts'
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
