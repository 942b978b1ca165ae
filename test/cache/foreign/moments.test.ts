import { expect, test } from '@jest/globals'
import { raiseMoments } from '../../../src/cache/foreign/moments.ts'
import { NEVER, Sources } from '../../../src/cache/sources/sources.ts'

test('stamps of partitions that the topic does not have by the broker leave it as it is', () => {
  const sources = new Sources()
  sources.grow('prices', 2)
  const id = sources.idOf('prices', 0)
  const names = [0, 1, 2, 11].map((partition): [string, number] => [`prices/${partition}`, 10 + partition])
  raiseMoments(sources, new Map(names), 20)
  expect([sources.resolve(id), sources.asOf(sources.wholeOf('prices'))]).toEqual([id, 10])
  sources.grow('prices', 3)
  raiseMoments(sources, new Map(names), 20)
  expect([sources.resolve(id), sources.asOf(sources.wholeOf('prices'))]).toEqual([sources.wholeOf('prices'), 10])
})

test('stamps that are older than any value can be are passed over', () => {
  const sources = new Sources({ stampTtlMs: 1_000 })
  const [fresh, old] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
  raiseMoments(
    sources,
    new Map([
      ['prices/0', 4_000],
      ['prices/1', 3_999],
      ['prices/7', 3_999],
    ]),
    5_000,
  )
  expect([sources.asOf(fresh), sources.asOf(old), sources.size]).toEqual([4_000, NEVER, old + 1])
})
