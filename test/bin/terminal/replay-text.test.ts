import { expect, test } from '@jest/globals'
import { hasFaults } from '../../../bin/terminal/replay-text.ts'
import type { NodeStats } from '../../../index.ts'

test('a read that a replay withheld, whether too late or of a newer price, is a fault that the exit code tells, as is a refused output', () => {
  const none = {
    detector: 'd',
    errors: 0,
    timeouts: 0,
    readsTooLate: 0,
    readsOfNewer: 0,
    outputs: 0,
    outputsRefused: 0,
  }
  const withDetector = (of: object) =>
    ({ strayErrors: 0, detectors: [none, { ...none, ...of }] }) as unknown as NodeStats
  expect(hasFaults(withDetector({}))).toBe(false)
  expect(hasFaults(withDetector({ readsTooLate: 1 }))).toBe(true)
  expect(hasFaults(withDetector({ readsOfNewer: 1 }))).toBe(true)
  expect(hasFaults(withDetector({ outputs: 1 }))).toBe(false)
  expect(hasFaults(withDetector({ outputsRefused: 1 }))).toBe(true)
})
