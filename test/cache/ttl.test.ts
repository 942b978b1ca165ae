import { expect, test } from '@jest/globals'
import { jitteredTtlMs, restMs } from '../../src/cache/ttl.ts'

const TTL = { l1Ms: 100, l2Ms: 1_000 }

test("L2's time to live is jittered by a tenth either way", () => {
  expect(jitteredTtlMs(1_000, () => 0)).toBe(900)
  expect(jitteredTtlMs(1_000, () => 0.5)).toBe(1_000)
  expect(jitteredTtlMs(1_000, () => 0.999_999)).toBe(1_100)
  expect(jitteredTtlMs(1, () => 0)).toBe(1)
})

test('L1 keeps a value from L2 for its own time to live, and no longer than L2 keeps it at least', () => {
  expect(restMs(5_000, 5_000, TTL)).toBe(100)
  expect(restMs(5_000, 5_800, TTL)).toBe(100)
  expect(restMs(5_000, 5_840, TTL)).toBe(60)
})

test("L1 keeps a value whose rest in L2 cannot be known for a tenth of L1's time to live", () => {
  expect(restMs(5_000, 5_900, TTL)).toBe(10)
  expect(restMs(5_000, 9_000, TTL)).toBe(10)
})
