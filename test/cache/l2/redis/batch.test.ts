import { expect, test } from '@jest/globals'
import { dividedGroups, KEYS_A_CALL, nextTrip } from '../../../../src/cache/l2/redis/batch.ts'
import { StoredJson } from '../../../../src/cache/values/stored-json.ts'
import { columnsOf } from '../columns.ts'

const KILOBYTE = 1_024
const rowsOf = (...kilobytes: readonly number[]) =>
  columnsOf(
    kilobytes.map((each, pairId) => ({
      ...{ pairId, version: 1, price: Number.NaN },
      json: new StoredJson(JSON.stringify('x'.repeat(each * KILOBYTE))),
    })),
  )

test('a call has at most 64 KB of JSON, or one value', () => {
  const columns = rowsOf(1, 1, 200, 30, 30, 30, 1)
  expect(dividedGroups(columns, [[0, 1, 2, 3, 4, 5, 6]])).toEqual([[0, 1], [2], [3, 4], [5, 6]])
})

test('prices are not divided', () => {
  const group = Array.from({ length: KEYS_A_CALL }, (_, row) => row)
  const columns = columnsOf(group.map((pairId) => ({ pairId, version: 1 })))
  expect(dividedGroups(columns, [group])).toEqual([group])
})

test('a trip has as many calls as it may have rows, where a kilobyte counts for one', () => {
  const columns = rowsOf(60, 60, 60, 200, 1)
  const groups = [[0], [1], [2], [3], [4]]
  const trips: (readonly number[])[][] = []
  for (let next = 0; next < groups.length; next += trips.at(-1)?.length ?? 0)
    trips.push(nextTrip(columns, groups, { next, mostRows: 128 }))
  expect(trips).toEqual([[[0], [1]], [[2]], [[3]], [[4]]])
})
