import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { until } from '../harness/until.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

const SMALL_L1 = { cache: { l1Slots: 4 }, node: { lookAhead: 'off' } } as const

async function fill(stage: Stage, nodes: readonly ForewarmNode[]): Promise<void> {
  await stage.produce(...Array.from({ length: 10 }, (_, i) => updateOf(`P${i}`, { price: i })))
  const updates = () => nodes.reduce((sum, node) => sum + node.stats().updates, 0)
  const written = () => nodes.every((node) => node.stats().l2.waitingEntries === 0)
  await until('they are in L2', () => updates() === 10 && written())
}

/** The members of an answer that the tests look at. */
interface Told {
  readonly task_id: string
  readonly status_url: string
  readonly is_over?: boolean
}

async function answered(response: Response): Promise<{ status: number; body: Told }> {
  return { status: response.status, body: (await response.json()) as Told }
}

const urlOf = (node: ForewarmNode, path: string) => `http://127.0.0.1:${node.httpPort}${path}`

function post(node: ForewarmNode, body: unknown): Promise<Response> {
  return fetch(urlOf(node, '/cache/warm/intelligent'), { method: 'POST', body: JSON.stringify(body) })
}

async function statusOf(node: ForewarmNode, taskId: string) {
  return answered(await fetch(urlOf(node, `/cache/warm/status/${taskId}`)))
}

async function ended(node: ForewarmNode, taskId: string) {
  return until('the task is over', async () => {
    const { body } = await statusOf(node, taskId)
    return body.is_over === true ? body : undefined
  })
}

test('a POST to /cache/warm/intelligent makes a task, whose status has the result of the node', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const response = await post(node, { strategy: 'on_demand', pairs: ['P8', 'absent'], chain: 'ethereum' })
    const { status, body } = await answered(response)
    expect(status).toBe(202)
    expect(body).toEqual({ task_id: expect.any(String), status_url: `/cache/warm/status/${body.task_id}` })
    expect(response.headers.get('location')).toBe(body.status_url)
    expect(await ended(node, body.task_id)).toMatchObject({
      status: 'partial',
      reason: `partial on ${node.id}`,
      strategy: 'on_demand',
      priority: 'high',
      pairs: 2,
      warmed: 1,
      nodes: [{ node: node.id, status: 'partial', warmed: 1, not_found: 1 }],
    })
  })
})

test('any node tells of a task: one that did not take the POST, and one that was started after it', async () => {
  await onStage({ broker: createMemoryBroker(), partitions: 2 }, async (stage) => {
    const [first, second] = [await stage.startNode({ config: SMALL_L1 }), await stage.startNode({ config: SMALL_L1 })]
    await fill(stage, [first, second])
    const { body } = await answered(
      await post(first, { strategy: 'on_demand', instrument_id: 'P1', chain: 'ethereum' }),
    )
    const known = await ended(first, body.task_id)
    await first.close()
    const late = await stage.startNode({ config: SMALL_L1 })
    for (const node of [second, late]) {
      const told = await statusOf(node, body.task_id)
      expect(told).toEqual({ status: 200, body: known })
    }
  })
})

test.each([
  ['none was ever made with its id', '01890a5d-ac96-774b-bcce-b302099a8057'],
  ['the id is no id of a task', 'task-1'],
  ['the id is of a day that is to come', 'ffffffff-ffff-7fff-bfff-ffffffffffff'],
])('the status of a task is not found if %s', async (_, taskId) => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode()
    expect(await statusOf(node, taskId)).toMatchObject({
      status: 404,
      body: { title: 'Not Found', detail: expect.stringContaining('No such task') },
    })
  })
})
