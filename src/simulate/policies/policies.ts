import { DEFAULT_WARM_SHARE } from '../../cache/l1/l1.ts'
import { ListPolicy } from './list.ts'
import { LRU } from './lru.ts'
import type { Policy, PolicySize } from './policy.ts'
import { ResidencyPolicy } from './residency.ts'
import { SieveOrder } from './sieve.ts'

/** `forewarm` is what a node has: S3-FIFO with a warm part beside it. */
export const POLICY_NAMES = ['lru', 'sieve', 's3-fifo', 'forewarm'] as const
export type PolicyName = (typeof POLICY_NAMES)[number]

export function createPolicy(name: PolicyName, size: PolicySize): Policy {
  switch (name) {
    case 'lru':
      return new ListPolicy(size, LRU)
    case 'sieve':
      return new ListPolicy(size, new SieveOrder(size.pairs))
    case 's3-fifo':
      return new ResidencyPolicy(size, 0)
    case 'forewarm':
      return new ResidencyPolicy(size, DEFAULT_WARM_SHARE)
  }
}
