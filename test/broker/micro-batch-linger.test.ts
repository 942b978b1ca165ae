import { expect, test } from '@jest/globals'
import { newStage, record, turn, valuesOf } from './micro-batch-stage.ts'

test('without a given linger, records of one task are sent at its end if none are in flight', async () => {
  const { batcher, requests } = newStage({ lingerMs: undefined })
  void batcher.add(record(0, 'a'))
  void batcher.add(record(1, 'b'))
  void batcher.add(record(0, 'c'))
  expect(requests).toEqual([])
  await turn()
  expect(valuesOf(requests)).toEqual([['a', 'c'], ['b']])
})

test('without a given linger, records wait while others are in flight, until these are answered or a linger is over', async () => {
  const { batcher, requests, linger } = newStage({ lingerMs: undefined })
  void batcher.add(record(0, 'a'))
  await turn()
  void batcher.add(record(1, 'b'))
  await turn()
  expect(valuesOf(requests)).toEqual([['a']])
  linger()
  expect(valuesOf(requests)).toEqual([['a'], ['b']])
  void batcher.add(record(2, 'c'))
  requests[0]?.acknowledge()
  await turn()
  expect(valuesOf(requests)).toEqual([['a'], ['b']])
  requests[1]?.acknowledge()
  await turn()
  expect(valuesOf(requests)).toEqual([['a'], ['b'], ['c']])
})
