import { describe, expect, test } from '@jest/globals'
import { judged, ledgerOf } from '../../../bench/cases/nodes/ledger.ts'

const NONE = { ranks: [], atMs: [], updates: [], behindMs: [], bounded: 0, unanswered: 0, visible: [] }
/** Updates 1 and 3 are of pair 7, update 2 is of pair 8. */
const FEED = { ranks: [-1, 7, 8, 7], storedMs: [Number.NaN, 10, 10, 100] }
const LEDGER = ledgerOf(FEED, [1, 15, 2, 15, 3, 110])

describe('the ledger of the nodes benchmark', () => {
  test('counts a bound that is smaller than the time since Kafka had a newer update', () => {
    const reads = { atMs: [130, 130, 130], updates: [1, 1, 3], behindMs: [30, 29, 0], ranks: [7, 7, 7] }
    const { falseBounds, boundMs } = judged(LEDGER, { ...NONE, ...reads })
    expect({ falseBounds, boundMs }).toEqual({ falseBounds: 1, boundMs: [30, 29, 0] })
  })

  test('tells how long the owner had had a newer value when a pair was read', () => {
    const reads = { atMs: [105, 130, 130], updates: [1, 1, 2], behindMs: [99, 99, 99], ranks: [7, 7, 8] }
    expect(judged(LEDGER, { ...NONE, ...reads }).behindMs).toEqual([0, 20, 0])
  })

  test('tells how long after the owner a value was visible', () => {
    expect(judged(LEDGER, { ...NONE, visible: [2, 22, 3, 115] }).visibleMs).toEqual([7, 5])
  })

  test('takes the bound of a read without an answer as unknown', () => {
    const reads = { atMs: [105], updates: [Number.NaN], behindMs: [Number.NaN], ranks: [7] }
    expect(judged(LEDGER, { ...NONE, ...reads })).toMatchObject({
      ...{ boundMs: [Number.POSITIVE_INFINITY], behindMs: [], falseBounds: 0 },
    })
  })
})
