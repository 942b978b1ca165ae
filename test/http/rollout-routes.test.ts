import { afterEach, describe, expect, test } from '@jest/globals'
import type { RolloutAuthor, RolloutOutcome } from '../../src/rollout/rollout-change.ts'
import type { RolloutChange } from '../../src/rollout/rollout-value.ts'
import { closeAll, started } from './callers.ts'
import { OPERATIONS, ROLLOUT } from './told-operations.ts'

afterEach(closeAll)

const SHOWN = {
  ...{ mode: 'canary', chains: ['ethereum'], percent: 5, control_share: 0.02, killed: false },
  ...{ version: 4, by: 'ana', at_ms: 5, reason: 'first day' },
}

interface Problem {
  readonly detail?: string
  readonly errors?: unknown
}

type Asked = readonly [act: 'set' | 'kill', change: RolloutChange, author: RolloutAuthor]

/** Asks a node whose rollout is changed with this outcome. */
async function put(outcome: RolloutOutcome, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const asked: Asked[] = []
  const rollout = {
    ...OPERATIONS.rollout,
    set: async (change: RolloutChange, author: RolloutAuthor) => {
      asked.push(['set', change, author])
      return outcome
    },
    kill: async (author: RolloutAuthor) => {
      asked.push(['kill', {}, author])
      return outcome
    },
  }
  const port = await started({ operations: { ...OPERATIONS, rollout } })
  const response = await fetch(`http://127.0.0.1:${port}/rollout`, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers,
  })
  return {
    asked,
    status: response.status,
    etag: response.headers.get('etag'),
    body: (await response.json()) as Problem,
  }
}

const SET: RolloutOutcome = { status: 'set', rollout: ROLLOUT.set }

describe('/rollout', () => {
  test('shows what is set, by whom and why, what holds on this node, and what shadow predicts', async () => {
    const response = await fetch(`http://127.0.0.1:${await started()}/rollout`)
    expect([response.status, response.headers.get('etag')]).toEqual([200, '"4"'])
    expect(await response.json()).toEqual({
      ...SHOWN,
      ...{ effective_mode: 'off', off_because: 'WARMING_ENABLED is off', unknown_chains: ['ethereum'] },
      shadow: { reads: 10, hit_ratio: 0.25, hit_ratio_with_warming: 0.75 },
      past: [
        {
          ...{ mode: 'shadow', chains: ['ethereum'], percent: 5, control_share: 0.02, killed: false },
          ...{ version: 3, by: 'ben', at_ms: 4 },
        },
      ],
    })
  })

  test('changes the members that are given, with who asks, why, and the version that was seen', async () => {
    const body = { mode: 'canary', percent: 5, control_share: 0.1, by: 'cem', reason: 'wider' }
    const { asked, status, etag } = await put(SET, body, { 'if-match': '"4"' })
    expect([status, etag]).toEqual([200, '"4"'])
    expect(asked).toEqual([
      ['set', { mode: 'canary', percent: 5, controlShare: 0.1 }, { by: 'cem', reason: 'wider', base: 4 }],
    ])
  })

  test('kills whatever version was seen', async () => {
    const { asked } = await put(SET, { killed: true, by: 'cem' }, { 'if-match': '"1"' })
    expect(asked).toEqual([['kill', {}, { by: 'cem' }]])
  })

  test('tells the loser of two operators who has won', async () => {
    const { status, etag, body } = await put({ status: 'lost', winner: ROLLOUT.set }, { mode: 'full' })
    expect([status, etag]).toEqual([409, '"4"'])
    expect(body).toMatchObject({ detail: 'Another operator was faster: version 4 is in force', winner: SHOWN })
  })

  test.each([
    ['a body that is no object', [], 400, 'expected an object, got a list'],
    ['a member that there is not', { percentage: 5 }, 400, expect.stringContaining('percentage')],
  ])('refuses %s', async (_, body, status, detail) => {
    const answer = await put(SET, body)
    expect([answer.status, answer.body.detail]).toEqual([status, detail])
    expect(answer.asked).toEqual([])
  })

  test('names each field that the rollout refuses, by its name over HTTP', async () => {
    const problems = [{ field: 'controlShare', detail: 'controlShare: expected a number from 0 to 0.5, got 2' }]
    const { status, body } = await put({ status: 'refused', problems }, { control_share: 2 })
    expect([status, body.errors]).toEqual([400, [{ pointer: '#/control_share', detail: problems[0]?.detail }]])
  })

  test('says that Kafka did not take a change', async () => {
    const { status } = await put({ status: 'failed', reason: 'closed' }, { mode: 'off' })
    expect(status).toBe(503)
  })
})
