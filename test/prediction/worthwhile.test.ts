import { expect, test } from '@jest/globals'
import { AccessHistory, HOUR_MS } from '../../src/prediction/access-history.ts'
import type { Proposal } from '../../src/prediction/proposal.ts'
import { worthwhile } from '../../src/prediction/worthwhile.ts'

const NOW_MS = 480_000 * HOUR_MS

function proposed(pairId: number, confidence: number): Proposal {
  return { pairId, kind: 'time-of-day', confidence, reason: '' }
}

test('a schedule warms a pair only if its proposal is sure enough for its kind', () => {
  const history = new AccessHistory({ maxPairs: 4 })
  const found = worthwhile([proposed(0, 0.95), proposed(1, 0.8)], { history, strategy: 'time_of_day', nowMs: NOW_MS })
  expect(found.map(({ pairId }) => pairId)).toEqual([0])
})

test('a schedule warms a popular pair only while it is read', () => {
  const history = new AccessHistory({ maxPairs: 4 })
  history.record(0, NOW_MS - HOUR_MS, 5)
  history.record(1, NOW_MS - 6 * HOUR_MS, 50)
  const found = worthwhile([proposed(1, 1), proposed(0, 0.9)], { history, strategy: 'popular', nowMs: NOW_MS })
  expect(found.map(({ pairId }) => pairId)).toEqual([0])
})
