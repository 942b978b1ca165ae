import { expect, it } from '@jest/globals'
import { fenceMsFor } from '../../../src/cache/foreign/fence-pace.ts'

it('stamps are read every 10 ms, and the more of them there are the less often', () => {
  expect([0, 12, 130, 1_300, 13_000].map((stamps) => fenceMsFor(stamps))).toEqual([10, 10, 10, 100, 1_000])
  expect([0, 13_000, 26_000].map((stamps) => fenceMsFor(stamps, 1_000))).toEqual([1_000, 1_000, 2_000])
})
