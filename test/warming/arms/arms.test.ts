import { describe, expect, test } from '@jest/globals'
import { CELLS, GROUPS } from '../../../src/cache/l1/usage.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Arms, isArmB } from '../../../src/warming/arms/arms.ts'

const PAIRS = 8_000

function armsOf(share: number, names: (n: number) => string = (n) => `P${n}`) {
  const table = new PairTable({ maxPairs: PAIRS })
  const pairIds = Array.from({ length: PAIRS }, (_, n) => table.register('ethereum', names(n)))
  return { arms: new Arms(table, share), pairIds, table }
}

describe('the arms of two strategies', () => {
  test.each([0, 0.1, 0.5, 1])('share triggers out: %d of them to b, evenly over the groups', (share) => {
    const { arms, pairIds } = armsOf(share)
    const cells = pairIds.map((pairId) => arms.cellOf(pairId))
    const inB = cells.filter(isArmB).length / PAIRS
    expect(Math.abs(inB - share)).toBeLessThan(0.02)
    if (share === 0) return
    for (let cell = share === 1 ? GROUPS : 0; cell < CELLS; cell++) {
      const expected = (cell < GROUPS ? 1 - share : share) / GROUPS
      expect(Math.abs(cells.filter((each) => each === cell).length / PAIRS - expected)).toBeLessThan(0.02)
    }
  })

  test('go by names and not by ids, so that all nodes agree', () => {
    const one = armsOf(0.5)
    const other = armsOf(0.5, (n) => `P${PAIRS - 1 - n}`)
    expect(one.pairIds.map((pairId) => one.arms.cellOf(pairId))).toEqual(
      other.pairIds.map((pairId) => other.arms.cellOf(pairId)).reverse(),
    )
    expect(one.arms.cellOf(3)).toBe(one.arms.cellOfNames('ethereum', 'P3'))
    const cellsOf = (chain: string) => Array.from({ length: 50 }, (_, n) => one.arms.cellOfNames(chain, `P${n}`))
    expect(cellsOf('solana')).not.toEqual(cellsOf('ethereum'))
  })

  test('look at the names anew when an id goes to another pair, or the share changes', () => {
    let name = 'P0'
    const arms = new Arms({ namesOf: () => ({ chain: 'ethereum', pair: name }) }, 0.5)
    const before = arms.cellOf(7)
    name =
      Array.from({ length: 50 }, (_, n) => `Q${n}`).find((pair) => arms.cellOfNames('ethereum', pair) !== before) ?? ''
    expect(arms.cellOf(7)).toBe(before)
    arms.forget(7)
    expect(arms.cellOf(7)).toBe(arms.cellOfNames('ethereum', name))
    arms.share = 1
    expect(isArmB(arms.cellOf(7))).toBe(true)
  })
})
