import { expect, test } from '@jest/globals'
import { zipf } from '../../../src/simulate/traffic/zipf.ts'

test('Zipf’s law draws each rank as often as its weight of 1 ÷ (rank + 1) says', () => {
  const draws = 1_100
  let drawn = 0
  const draw = zipf(3, () => (drawn++ + 0.5) / draws)
  const ranks = Array.from({ length: draws }, draw)
  // The weights are 6, 3 and 2 elevenths.
  expect([0, 1, 2].map((rank) => ranks.filter((each) => each === rank).length)).toEqual([600, 300, 200])
})
