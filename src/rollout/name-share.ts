import { murmur2, pairKey } from '../../schemas/topics.ts'

/**
 * A pair's place among all pairs, from 0 to below 1, by its name: the same on every node and after every restart. Places of
 * different `salt`s are independent of each other, and of the pair's partition.
 */
export function nameShare(chain: string, pair: string, salt: string): number {
  let mixed = murmur2(Buffer.from(`${salt}\0${pairKey(chain, pair)}`))
  // The finalizer of MurmurHash3 (Appleby): a change of any bit changes all of them.
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
}
