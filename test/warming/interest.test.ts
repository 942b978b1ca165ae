import { expect, test } from '@jest/globals'
import { Arrivals } from '../../src/cache/freshness/arrivals.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Sources } from '../../src/cache/sources/sources.ts'
import { Interest } from '../../src/warming/interest.ts'

function stage() {
  const table = new PairTable({ maxPairs: 10 })
  const sources = new Sources()
  const arrivals = new Arrivals({ table, sources, l1: new L1({ slots: 4, maxPairs: 10, sources }) })
  const [mine, others] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
  arrivals.assign([mine])
  const update = (pair: string, source: number) => arrivals.arrived(table.register('ethereum', pair), source)
  return { table, sources, arrivals, mine, others, update, interest: new Interest(table, arrivals) }
}

test('a pair concerns the node to which its updates come, however the topic is keyed', () => {
  const { interest, update, mine, others } = stage()
  update('HERE', mine)
  update('THERE', others)
  expect([interest.includes('ethereum', 'HERE'), interest.includes('ethereum', 'THERE')]).toEqual([true, false])
})

test('a pair that a detector has read concerns the node, wherever its updates come to', () => {
  const { interest, table } = stage()
  expect(interest.includes('base', 'READ')).toBe(false)
  interest.read(table.register('base', 'READ'))
  expect(interest.includes('base', 'READ')).toBe(true)
})

test('a pair without updates concerns the node that gets updates of its chain, for as long as it has the partition', () => {
  const { interest, update, arrivals, mine } = stage()
  expect(interest.includes('ethereum', 'QUIET')).toBe(false)
  update('BUSY', mine)
  expect(interest.includes('ethereum', 'QUIET')).toBe(true)
  arrivals.revoke([mine])
  expect(interest.includes('ethereum', 'QUIET')).toBe(false)
})

test('a node that has every partition of every topic is concerned by pairs of which it has seen nothing', () => {
  const { interest, arrivals, others } = stage()
  arrivals.assign([others])
  expect(interest.includes('ethereum', 'NEVER SEEN')).toBe(true)
})

test('a pair of a topic that is one source concerns every node that has a partition of it', () => {
  const { interest, sources, arrivals, update, mine } = stage()
  sources.merge(mine, mine)
  update('ANYWHERE', sources.resolve(mine))
  expect(interest.includes('ethereum', 'ANYWHERE')).toBe(true)
  expect(interest.includes('ethereum', 'QUIET')).toBe(true)
  arrivals.revoke([mine])
  expect(interest.includes('ethereum', 'ANYWHERE')).toBe(false)
})

test('a pair concerns a node with a partition of any topic if all topics are one source', () => {
  const { interest, sources, arrivals, update, mine } = stage()
  const elsewhere = sources.idOf('other', 0)
  update('TWICE', mine)
  update('TWICE', elsewhere)
  expect(interest.includes('ethereum', 'TWICE')).toBe(true)
  arrivals.revoke([mine])
  expect(interest.includes('ethereum', 'TWICE')).toBe(false)
  arrivals.assign([elsewhere])
  expect(interest.includes('ethereum', 'TWICE')).toBe(true)
})
