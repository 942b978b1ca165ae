import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { until } from '../harness/until.ts'
import { onStage } from './stage.ts'

interface Told {
  readonly status: number
  readonly etag: string | null
  readonly body: Readonly<Record<string, unknown>>
}

async function ask(node: ForewarmNode, init: RequestInit = {}): Promise<Told> {
  const response = await fetch(`http://127.0.0.1:${node.httpPort}/config`, init)
  const body = (await response.json()) as Told['body']
  return { status: response.status, etag: response.headers.get('etag'), body }
}

function put(node: ForewarmNode, settings: object, ifMatch: string): Promise<Told> {
  const body = JSON.stringify({ settings, by: 'ana' })
  return ask(node, { method: 'PUT', body, headers: { 'if-match': ifMatch } })
}

test('what one node is told is in force on every node of the service, and on one that starts later', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const [first, second] = [await stage.startNode(), await stage.startNode()]
    expect(await ask(first)).toMatchObject({ status: 200, etag: '"0"', body: { version: 0, set: {} } })
    const set = await put(first, { WARMING_MAX_PAIRS: 3 }, '"0"')
    expect(set).toMatchObject({ status: 200, etag: '"1"', body: { by: 'ana', set: { WARMING_MAX_PAIRS: 3 } } })
    expect(first.config.warming.maxPairs).toBe(3)
    await until('the second node has it', () => second.config.warming.maxPairs === 3)
    const { origins } = second.getConfig()
    expect(origins.WARMING_MAX_PAIRS).toBe('control')
    const late = await stage.startNode()
    expect(late.config.warming.maxPairs).toBe(3)
    expect(await put(late, {}, '"1"')).toMatchObject({ status: 200, etag: '"2"', body: { set: {} } })
    await until('all go back to their own', () => [first, second].every(({ config }) => config.warming.maxPairs === 8))
  })
})

test('of two operators who saw the same version, the slower one learns who was faster, and what is in force', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const [first, second] = [await stage.startNode(), await stage.startNode()]
    const both = await Promise.all([
      put(first, { WARMING_MAX_PAIRS: 3 }, '"0"'),
      put(second, { WARMING_MAX_PAIRS: 4 }, '"0"'),
    ])
    const winner = both.find(({ status }) => status === 200)
    const loser = both.find(({ status }) => status === 409)
    expect(loser).toMatchObject({ etag: '"1"', body: { winner: { version: 1, by: 'ana', set: winner?.body.set } } })
    await until('both have the same', () => first.config.warming.maxPairs === second.config.warming.maxPairs)
    expect({ WARMING_MAX_PAIRS: first.config.warming.maxPairs }).toEqual(winner?.body.set)
  })
})

test('settings that cannot change while a node runs are refused, each with the reason, and nothing is set', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode()
    const { status, body } = await put(node, { WARMING_MAX_PAIRS: 3, METRICS_PORT: 1, WARMING_MIN_SCORE: 7 }, '"0"')
    expect(status).toBe(400)
    const pointers = (body.errors as { pointer: string; detail: string }[]).map(({ pointer }) => pointer)
    expect(pointers.sort()).toEqual(['#/settings/METRICS_PORT', '#/settings/WARMING_MIN_SCORE'])
    expect(body.detail).toContain('METRICS_PORT: got a change while the node runs; allowed: a value at start alone')
    expect(await ask(node)).toMatchObject({ body: { version: 0 } })
    expect(node.config.warming.maxPairs).toBe(8)
  })
})
