import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { highest } from '../../src/prediction/proposal.ts'

test('the highest figures are the first of all that are above 0, in descending order', () => {
  const figures = fc.array(fc.constantFrom(0, 0.5, 1, 2, 3), { maxLength: 30 })
  fc.assert(
    fc.property(figures, fc.nat(35), (given, limit) => {
      const sorted = given
        .map((figure, pairId) => ({ figure, pairId }))
        .filter(({ figure }) => figure > 0)
        .sort((a, b) => b.figure - a.figure || a.pairId - b.pairId)
      expect(highest(Float64Array.from(given), limit)).toEqual(sorted.slice(0, limit).map(({ pairId }) => pairId))
    }),
  )
})
