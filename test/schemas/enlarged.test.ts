import { expect, test } from '@jest/globals'
import { enlarged, lengthFor } from '../../schemas/enlarged.ts'

test('an enlarged table begins with all that the smaller one holds, and ends as the larger one was', () => {
  const larger = new Int32Array(4).fill(-1)
  expect(enlarged(Int32Array.of(7, 8), larger)).toBe(larger)
  expect([...larger]).toEqual([7, 8, -1, -1])
})

test('a table doubles until it has room for an index, up to its bound', () => {
  expect([3, 4, 17, 40].map((index) => lengthFor(index, 4, 50))).toEqual([4, 8, 32, 50])
})
