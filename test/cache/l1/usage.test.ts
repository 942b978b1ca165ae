import { expect, test } from '@jest/globals'
import { WARM_KINDS, WarmTally } from '../../../src/cache/l1/usage.ts'

test('a warm counts in the total and in its kind, and a warm of an unknown kind in the total alone', () => {
  const tally = new WarmTally()
  tally.count(1, 'admitted')
  tally.count(1, 'used')
  tally.count(WARM_KINDS.length, 'admitted')
  expect(tally.all).toEqual({ admitted: 2, used: 1, unused: 0, dropped: 0 })
  expect(tally.byKind[1]).toEqual({ admitted: 1, used: 1, unused: 0, dropped: 0 })
  expect(tally.byKind[0]).toEqual({ admitted: 0, used: 0, unused: 0, dropped: 0 })
})
