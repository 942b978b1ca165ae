import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Churn, type Rebalance } from '../../../../bench/cases/scaling/churn.ts'
import { mulberry32 } from '../../../../src/simulate/mulberry32.ts'

/** How many topics there are, and how many partitions each of them has. */
type Shape = readonly { readonly topics: number; readonly partitions: number }[]

function countsOf(shape: Shape): ReadonlyMap<string, number> {
  return new Map(
    shape.flatMap(({ topics, partitions }) =>
      Array.from({ length: topics }, (_, topic) => [`t${partitions}-${topic}`, partitions] as const),
    ),
  )
}

function churned(shape: Shape, { seed, most, changes }: { seed: number; most: number; changes: number }) {
  const random = mulberry32(seed)
  const churn = new Churn({ counts: countsOf(shape), random })
  const rebalances: Rebalance[] = []
  for (let change = 0; change < changes; change++) {
    const joins = churn.nodes < 2 || (churn.nodes < most && random() < 0.6)
    rebalances.push(churn.rebalance([() => (joins ? churn.join() : churn.leave())]))
    expectEven(churn, shape)
  }
  return rebalances
}

/** Nodes have equally many numbers of topics with equal counts, or one more; they differ by a unit in all. */
function expectEven({ members }: Churn, shape: Shape): void {
  const differ = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts)
  for (const { topics, partitions } of shape) {
    const numbers = members.map(({ owned }) => owned.filter(({ topic }) => topic.startsWith(`t${partitions}-`)).length)
    expect(differ(numbers)).toBeLessThanOrEqual(partitions === 1 ? 1 : topics)
  }
  const unit = Math.max(...shape.map(({ topics, partitions }) => (partitions === 1 ? 1 : topics)))
  expect(differ(members.map(({ owned }) => owned.length))).toBeLessThanOrEqual(unit)
}

function sum(rebalances: readonly Rebalance[], key: 'moved' | 'needless' | 'detours'): number {
  return rebalances.reduce((total, each) => total + each[key], 0)
}

const MIXED: Shape = [
  { topics: 4, partitions: 30 },
  { topics: 2, partitions: 21 },
  { topics: 1, partitions: 10 },
  { topics: 25, partitions: 1 },
]

test('nodes that stay give up to newcomers alone, whatever the partition counts of the topics', () => {
  const rebalances = churned(MIXED, { seed: 1, most: 20, changes: 120 })
  expect(sum(rebalances, 'needless')).toBeLessThanOrEqual(0.02 * sum(rebalances, 'moved'))
})

test('no partition is given to a node that has to give it up in the same rebalance, which takes two generations', () => {
  const rebalances = churned(MIXED, { seed: 2, most: 20, changes: 120 })
  expect([sum(rebalances, 'detours'), Math.max(...rebalances.map(({ generations }) => generations))]).toEqual([0, 2])
})

test('nodes that come and go while others still wait leave an even group behind', () => {
  const random = mulberry32(3)
  const churn = new Churn({ counts: countsOf(MIXED), random })
  for (let round = 0; round < 30; round++) {
    const changes = Array.from({ length: 5 }, () => () => {
      if (churn.nodes < 3 || (churn.nodes < 15 && random() < 0.5)) churn.join()
      else churn.leave()
    })
    churn.rebalance(changes)
    expectEven(churn, MIXED)
    expect(churn.members.reduce((total, { owned }) => total + owned.length, 0)).toBe(churn.partitions)
  }
})

test('a group of any topics comes to rest, and is even then', () => {
  const partitions = fc.integer({ min: 1, max: 12 })
  const shape = fc.uniqueArray(fc.record({ topics: fc.integer({ min: 1, max: 5 }), partitions }), {
    ...{ minLength: 1, maxLength: 5 },
    selector: (each) => each.partitions,
  })
  fc.assert(
    fc.property(shape, fc.integer(), (any, seed) => {
      for (const { generations } of churned(any, { seed, most: 8, changes: 15 }))
        expect(generations).toBeLessThanOrEqual(3)
    }),
  )
})
