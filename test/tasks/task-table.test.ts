import { expect, test } from '@jest/globals'
import type { WarmResult } from '../../schemas/warm-result.ts'
import { makeTaskId } from '../../src/tasks/task-id.ts'
import { addResult, MAX_TASKS, TaskTable, taskEntry } from '../../src/tasks/task-table.ts'

const NOW_MS = 1_700_000_000_000

test('the table of tasks is bounded: the oldest that is closed makes room, else the oldest', () => {
  const table = new TaskTable()
  const entries = Array.from({ length: MAX_TASKS }, () => taskEntry(makeTaskId(NOW_MS)))
  const [first, second] = entries
  if (first === undefined || second === undefined) throw new Error('too few')
  second.isClosed = true
  for (const entry of entries) table.add(entry)
  const has = () => [first, second].map(({ id }) => table.get(id.taskId) !== undefined)
  table.add(taskEntry(makeTaskId(NOW_MS)))
  expect([table.size, has()]).toEqual([MAX_TASKS, [true, false]])
  table.add(taskEntry(makeTaskId(NOW_MS)))
  expect([table.size, has()]).toEqual([MAX_TASKS, [false, false]])
})

test('a task keeps one result of each node to each request, without the outcomes of its pairs', () => {
  const entry = taskEntry(makeTaskId(NOW_MS))
  const counts = { warmed: 1, alreadyInL1: 0, notFound: 0, refusedOlder: 0, notInterested: 0 }
  const result: WarmResult = {
    ...{ v: 1, requestId: entry.id.taskId, node: 'a', status: 'done', ...counts, durationMs: 1, atMs: 2 },
    outcomes: { A: 'warmed' },
  }
  for (const node of ['a', 'a', 'b']) addResult(entry, { ...result, node }, NOW_MS)
  expect(entry.results.map(({ result: { node, outcomes } }) => [node, outcomes])).toEqual([
    ['a', undefined],
    ['b', undefined],
  ])
})
