import { expect, test } from '@jest/globals'
import { partitionOf } from '../../schemas/topics.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Interest } from '../../src/warming/interest.ts'

/** A chain that moves from partition 0 or 1 of two to partition 2 or 3 of four. */
const CHAIN = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].find((chain) => partitionOf(chain, 4) > 1) ?? ''
const at = (partitions: number) => ({ topic: 'prices', partition: partitionOf(CHAIN, partitions) })

function newInterest(): Interest {
  return new Interest(new PairTable({ maxPairs: 10 }), 2)
}

test('a node holds a chain as long as a topic that has the chain is assigned to it', () => {
  const interest = newInterest()
  expect(interest.holds(CHAIN)).toBe(false)
  interest.assign([at(2), { ...at(2), topic: 'other' }])
  interest.revoke([at(2)])
  expect([interest.holds(CHAIN), interest.includes(CHAIN, 'ANY')]).toEqual([true, true])
  interest.revoke([{ ...at(2), topic: 'other' }])
  expect([interest.holds(CHAIN), interest.includes(CHAIN, 'ANY')]).toEqual([false, false])
})

test('the number of partitions is the largest one that a price topic has or had', () => {
  const interest = newInterest()
  interest.grow(4)
  interest.grow(3)
  expect(interest.partitions).toBe(4)
})

test('when topics have grown, a node that has one of a chain’s two places is concerned, and does not hold the chain', () => {
  const interest = newInterest()
  interest.assign([at(2)])
  interest.grow(4)
  expect([interest.holds(CHAIN), interest.includes(CHAIN, 'ANY')]).toEqual([false, true])
  interest.assign([at(4)])
  expect(interest.holds(CHAIN)).toBe(true)
})
