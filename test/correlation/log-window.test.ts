import { expect, test } from '@jest/globals'
import { LogWindow } from '../../src/correlation/log-window.ts'
import { finished } from '../../src/correlation/pieces.ts'
import { entryOf } from '../../src/correlation/update-log.ts'

test('of a pair’s reads in a slice one counts', () => {
  const events = Int32Array.of(entryOf(3, 1), entryOf(4, 1), entryOf(3, 2), entryOf(3, 1))
  const entries = { chainId: 0, events, slices: Int32Array.of(0, 0, 0, 1), count: 4 }
  const window = finished(LogWindow.of(entries, () => true))
  expect([...window.members]).toEqual([3, 4])
  expect([...window.firsts]).toEqual([0, 2, 3])
  expect([...window.slices.subarray(0, window.sliceCount)]).toEqual([0, 1])
})
