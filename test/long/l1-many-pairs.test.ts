import { expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { PairTable, TABLE_FULL } from '../../src/cache/names/pair-table.ts'
import { cachedPrice } from '../cache/l2/columns.ts'

const PAIRS = 1_000_000
const SLOTS = 10_000

test('a million pairs take turns in ten thousand slots of L1, and each keeps its floor', () => {
  const table = new PairTable({ maxPairs: PAIRS })
  const l1 = new L1({ slots: SLOTS, maxPairs: PAIRS, ttlMs: 1e9 })
  const numbers = new Float64Array(NUMBER_COUNT)
  for (let i = 0; i < PAIRS; i++) {
    const pairId = table.register(`chain-${i % 60}`, `pair-${i}`)
    numbers.fill(i + 1)
    l1.update(pairId, i + 1, numbers, 0)
  }
  expect([table.size, table.register('chain-0', 'one too many')]).toEqual([PAIRS, TABLE_FULL])
  expect(l1.usage.resident).toBe(SLOTS)
  const into = emptyPrice()
  let wrong = 0
  for (let i = PAIRS - 1; i >= 0; i--) {
    const pairId = table.find(`chain-${i % 60}`, `pair-${i}`)
    if (l1.fill(pairId, cachedPrice({ version: i })) !== 'older') wrong++
    if (l1.fill(pairId, cachedPrice({ version: i + 1 })) === 'older') wrong++
    if (!l1.get(pairId, into) || into.version !== i + 1) wrong++
  }
  expect([wrong, l1.usage.resident]).toEqual([0, SLOTS])
}, 300_000)
