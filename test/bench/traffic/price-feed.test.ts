import { describe, expect, test } from '@jest/globals'
import { CHAINS, nextInChain, PAIRS, PARTITIONS, partitionAt, updateAt } from '../../../bench/traffic/price-feed.ts'
import { encodePriceJson } from '../../../schemas/price-json.ts'
import { partitionOf } from '../../../schemas/topics.ts'

const FEED = Array.from({ length: PAIRS }, (_, i) => updateAt(i, 1_795_206_757_542))

describe('the feed of the benches', () => {
  test('has 5,000 pairs in 60 chains', () => {
    expect(new Set(FEED.map(({ pair }) => pair)).size).toBe(5_000)
    expect(new Set(FEED.map(({ chain }) => chain)).size).toBe(60)
    expect([PAIRS, CHAINS, PARTITIONS]).toEqual([5_000, 60, 12])
  })

  test('has each pair in one chain, and each chain in the partition of its hash', () => {
    for (const [i, { chain }] of FEED.entries()) {
      expect(updateAt(i + PAIRS, 0).chain).toBe(chain)
      expect(partitionAt(i)).toBe(partitionOf(chain, PARTITIONS))
    }
  })

  test('goes round all pairs of a chain', () => {
    for (let first = 0; first < CHAINS; first++) {
      const { chain } = updateAt(first, 0)
      const pairs = new Set<string>()
      let index = first
      do {
        expect(updateAt(index, 0).chain).toBe(chain)
        pairs.add(updateAt(index, 0).pair)
        index = nextInChain(index)
      } while (index !== first)
      expect(pairs.size).toBe(FEED.filter((update) => update.chain === chain).length)
    }
  })

  test('has updates of about 115 bytes', () => {
    const { length } = encodePriceJson(updateAt(1_234_567, 1_795_206_757_542))
    expect(Math.abs(length - 115)).toBeLessThanOrEqual(3)
  })
})
