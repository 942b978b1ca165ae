import { expect, test } from '@jest/globals'
import { SHARES } from '../../src/patterns/day-hashes.ts'
import { shareOf } from '../../src/patterns/shares.ts'

test('the share of a pair is the same in every release, as entries of others are read by it', () => {
  const names = ['WETH/USDC', 'A', 'B', 'ünïcode ⛓']
  expect(names.map((pair) => shareOf({ chain: 'ethereum', pair }))).toEqual([15, 10, 11, 0])
})

test.each([
  ['numbered', (at: number) => `TOKEN${at}`],
  ['one letter', (at: number) => String.fromCharCode(0x41 + at)],
  ['hexadecimal', (at: number) => `0x${(at * 2_654_435_761).toString(16).padStart(40, '0')}`],
])('pairs with %s names are spread over all shares', (_, nameOf) => {
  const counts = Array.from({ length: SHARES }, () => 0)
  for (let at = 0; at < 16_000; at++) {
    const share = shareOf({ chain: 'ethereum', pair: nameOf(at) })
    counts[share] = (counts[share] ?? 0) + 1
  }
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(200)
})
