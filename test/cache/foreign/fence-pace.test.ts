import { expect, it } from '@jest/globals'
import { fenceMsFor } from '../../../src/cache/foreign/fence-pace.ts'

it('stamps are read every 10 ms, and the more of them there are the less often', () => {
  expect([0, 12, 130, 1_300, 13_000].map(fenceMsFor)).toEqual([10, 10, 10, 100, 1_000])
})
