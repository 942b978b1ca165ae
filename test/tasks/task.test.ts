import { describe, expect, test } from '@jest/globals'
import type { WarmResult, WarmStatus } from '../../schemas/warm-result.ts'
import { type RequestFacts, type Task, type TimedResult, taskOf } from '../../src/tasks/task.ts'
import { makeTaskId } from '../../src/tasks/task-id.ts'

const START_MS = 1_700_000_000_000
const MAX_MS = 600_000

interface Answer {
  readonly node?: string
  readonly status?: WarmStatus
  readonly afterMs?: number
  /** The place of its request. */
  readonly of?: number
  readonly warmed?: number
}

/** The task after so long, with these answers. */
function task(answers: readonly Answer[], { afterMs = 1_000, requests = 1, notBeforeMs = START_MS } = {}): Task {
  const id = makeTaskId(START_MS, requests)
  const results = answers.map(
    ({ node = 'a', status = 'done', afterMs: atMs = 10, of = 0, warmed = 1 }): TimedResult => {
      const counts = { warmed, alreadyInL1: 0, notFound: 0, refusedOlder: 0, notInterested: 0 }
      const requestId = id.requestIds[of] ?? ''
      const result: WarmResult = { v: 1, requestId, node, status, ...counts, durationMs: 1, atMs: 0 }
      return { result, atMs: START_MS + atMs }
    },
  )
  const known = id.requestIds.map(
    (requestId): RequestFacts => ({ requestId, priority: 'high', strategy: 'manual', pairs: 2, notBeforeMs }),
  )
  return taskOf({ id, requests: known, results }, START_MS + afterMs, MAX_MS)
}

describe('a task', () => {
  test('is pending until a node answers, and running until half a second after the last answer', () => {
    const answers = [{ node: 'a' }, { node: 'b', afterMs: 400 }]
    expect(task([], { afterMs: 29_999 }).state).toBe('pending')
    expect(task(answers.slice(0, 1), { afterMs: 509 }).state).toBe('running')
    expect(task(answers, { afterMs: 899 }).state).toBe('running')
    expect(task(answers, { afterMs: 900 }).state).toBe('done')
  })

  test.each<[state: string, statuses: readonly WarmStatus[]]>([
    ['done', ['done', 'done']],
    ['done', ['shadow']],
    ['partial', ['done', 'partial']],
    ['partial', ['timeout']],
    ['partial', ['done', 'failed']],
    ['partial', ['done', 'refused']],
    ['failed', ['failed', 'failed']],
    ['failed', ['failed', 'refused']],
    ['refused', ['refused', 'refused']],
  ])('is %s if its nodes answer %j', (state, statuses) => {
    expect(task(statuses.map((status, at) => ({ status, node: `n${at}` }))).state).toBe(state)
  })

  test('of several requests is running while one has no answer, and partial if none comes', () => {
    const answers = [{ of: 0 }, { of: 2 }]
    expect(task(answers, { requests: 3, afterMs: 30_000 }).state).toBe('running')
    const ended = task(answers, { requests: 3, afterMs: 30_010 })
    expect(ended).toMatchObject({ state: 'partial', reason: '2 of 3 requests were answered', warmed: 2 })
  })

  test('that nobody answers fails after half a minute, with the reason', () => {
    expect(task([], { afterMs: 30_000 })).toMatchObject({
      state: 'failed',
      reason: 'no node has answered: none that warms has an interest in these pairs, or it has ended',
    })
  })

  test('fails as timed out when its time is over, with what was gathered', () => {
    const answers = Array.from({ length: 30 }, (_, at) => ({ node: `n${at}`, afterMs: (at + 1) * 20_000 }))
    expect(task(answers, { requests: 2, afterMs: MAX_MS })).toMatchObject({
      state: 'failed',
      reason: 'timed out after 600 s: 1 of 2 requests were answered',
      warmed: 30,
    })
  })

  test('that is held until later begins then', () => {
    expect(task([], { afterMs: 130_000, notBeforeMs: START_MS + 120_000 }).state).toBe('pending')
  })

  test('that is refused before it is due has ended', () => {
    const notBeforeMs = START_MS + 3_600_000
    expect(task([{ status: 'refused' }], { afterMs: 510, notBeforeMs }).state).toBe('refused')
  })

  test('that has ended stays so when a slow node answers, whose result is added', () => {
    const answers: Answer[] = [{ node: 'a' }, { node: 'b', status: 'partial', afterMs: 20_000 }]
    expect(task(answers, { afterMs: 20_001 })).toMatchObject({
      state: 'partial',
      nodes: [{ node: 'a' }, { node: 'b' }],
    })
  })

  test('has no results that come half a minute after the one before', () => {
    expect(task([{ node: 'a' }, { node: 'b', afterMs: 30_011 }], { afterMs: 60_000 }).nodes).toHaveLength(1)
  })

  test('counts a result once that was delivered twice', () => {
    expect(task([{ warmed: 3 }, { warmed: 3, afterMs: 20 }])).toMatchObject({ warmed: 3, nodes: [{ warmed: 3 }] })
  })

  test('has warmed nothing in shadow, and says what it would have', () => {
    expect(task([{ status: 'shadow', warmed: 2 }])).toMatchObject({
      state: 'done',
      warmed: 0,
      nodes: [{ wouldWarm: 2 }],
    })
  })

  test('without requests is done: there was nothing to warm', () => {
    expect(task([], { requests: 0, afterMs: 0 })).toMatchObject({ state: 'done', reason: 'there was nothing to warm' })
  })
})
