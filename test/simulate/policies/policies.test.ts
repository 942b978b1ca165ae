import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createPolicy, POLICY_NAMES } from '../../../src/simulate/policies/policies.ts'
import { NO_PAIR, type Policy } from '../../../src/simulate/policies/policy.ts'
import { NaiveLru, NaiveS3Fifo, NaiveSieve } from './naive-policies.ts'

const PAIRS = 12

function resident(policy: Policy): number[] {
  return Array.from({ length: PAIRS }, (_, pairId) => pairId).filter((pairId) => policy.has(pairId))
}

function readAll(policy: Policy, pairIds: readonly number[]): boolean[] {
  return pairIds.map((pairId) => policy.read(pairId))
}

const newPolicy = (name: (typeof POLICY_NAMES)[number], slots: number) => createPolicy(name, { slots, pairs: PAIRS })

test('LRU evicts the pair that was read longest ago', () => {
  const policy = newPolicy('lru', 3)
  expect(readAll(policy, [0, 1, 2, 0, 3])).toEqual([false, false, false, true, false])
  expect(resident(policy)).toEqual([0, 2, 3])
  expect(policy.evicted).toBe(1)
})

test('SIEVE passes a pair that was read once, and goes on from where its hand was', () => {
  const policy = newPolicy('sieve', 3)
  readAll(policy, [0, 1, 2, 0, 3])
  expect(resident(policy)).toEqual([0, 2, 3])
  // The hand stands behind 1: 2 is next, although 0 is older and unread since.
  readAll(policy, [4])
  expect(resident(policy)).toEqual([0, 3, 4])
})

describe.each(POLICY_NAMES)('the policy %s', (name) => {
  test('holds as many pairs as fit, names the evicted one, and hits what it holds', () => {
    const step = fc.record({ pairId: fc.nat(PAIRS - 1), isWarm: fc.boolean() })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: PAIRS }), fc.array(step, { maxLength: 200 }), (slots, steps) => {
        const policy = newPolicy(name, slots)
        for (const { pairId, isWarm } of steps) {
          const before = resident(policy)
          const wasThere = before.includes(pairId)
          if (!isWarm) expect(policy.read(pairId)).toBe(wasThere)
          else if (!wasThere) expect(policy.warm(pairId)).toBe(policy.has(pairId))
          else continue
          const after = resident(policy)
          expect(after.length).toBeLessThanOrEqual(slots)
          const { evicted } = policy
          if (evicted === NO_PAIR) continue
          expect(before).toContain(evicted)
          expect(after).not.toContain(evicted)
        }
      }),
    )
  })
})

describe.each([
  ['lru', NaiveLru],
  ['sieve', NaiveSieve],
  ['s3-fifo', NaiveS3Fifo],
  ['forewarm', NaiveS3Fifo],
] as const)('the policy %s', (name, Naive) => {
  test('without warms hits what the same policy written with lists hits', () => {
    const pairs = 60
    // Few pairs are read often and many seldom, so that there is something to keep.
    const pairId = fc.tuple(fc.nat(pairs - 1), fc.nat(pairs - 1)).map(([a, b]) => Math.min(a, b))
    const reads = fc.array(pairId, { maxLength: 600, size: 'max' })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: pairs + 2 }), reads, (slots, pairIds) => {
        const policy = createPolicy(name, { slots, pairs })
        const naive = new Naive(slots)
        const expected = pairIds.map((read) => naive.read(read))
        expect(readAll(policy, pairIds)).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })
})
