import { expect, test } from '@jest/globals'
import { enlarged } from '../src/enlarged.ts'

test('an enlarged table begins with all that the smaller one holds, and ends as the larger one was', () => {
  const larger = new Int32Array(4).fill(-1)
  expect(enlarged(Int32Array.of(7, 8), larger)).toBe(larger)
  expect([...larger]).toEqual([7, 8, -1, -1])
})
