import { expect, test } from '@jest/globals'
import { makeTaskId, parseTaskId } from '../../src/tasks/task-id.ts'

const NOW_MS = 1_700_000_000_123

test.each([0, 1, 3, 1_000])('the id of a task of %d requests says when it was made, and their ids', (requests) => {
  const made = makeTaskId(NOW_MS, requests)
  expect(made.madeAtMs).toBe(NOW_MS)
  expect(new Set(made.requestIds).size).toBe(requests)
  expect(parseTaskId(made.taskId)).toEqual(made)
})

test('a task of one request has its id', () => {
  const { taskId, requestIds } = makeTaskId(NOW_MS)
  expect(requestIds).toEqual([taskId])
})

test('two ids of the same moment differ', () => {
  expect(makeTaskId(NOW_MS).taskId).not.toBe(makeTaskId(NOW_MS).taskId)
})

test.each(['', 'a', '01890a5d-ac96-474b-bcce-b302099a8057', '.3', 'one', '.1', '.01', '.1001', '.3.0'])(
  'no task has an id like %j',
  (end) => {
    const uuid = '01890a5d-ac96-774b-bcce-b302099a8057'
    expect(parseTaskId(end.startsWith('.') && end !== '.3' ? uuid + end : end)).toBeUndefined()
  },
)
