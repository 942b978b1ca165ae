import { expect, test } from '@jest/globals'
import { jitteredTtlMs, restMs } from '../../src/cache/ttl.ts'

const TTL = { l1Ms: 100, l2Ms: 1_000 }

test('the TTL of L2 is jittered by a tenth either way', () => {
  expect(jitteredTtlMs(1_000, () => 0)).toBe(900)
  expect(jitteredTtlMs(1_000, () => 0.5)).toBe(1_000)
  expect(jitteredTtlMs(1_000, () => 0.999_999)).toBe(1_100)
  expect(jitteredTtlMs(1, () => 0)).toBe(1)
})

test('L1 keeps a value from L2 for its own TTL, but no longer than L2 keeps it at least', () => {
  expect(restMs(5_000, 5_000, TTL)).toBe(100)
  expect(restMs(5_000, 5_800, TTL)).toBe(100)
  expect(restMs(5_000, 5_840, TTL)).toBe(60)
})

test('L1 keeps a value for a tenth of its TTL if its rest in L2 cannot be known', () => {
  expect(restMs(5_000, 5_900, TTL)).toBe(10)
  expect(restMs(5_000, 9_000, TTL)).toBe(10)
})
