import { describe, expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { type ControlRecord, controlKey, encodeControl } from '../../schemas/control/control-record.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { until } from '../harness/until.ts'
import { get } from './scrape.ts'
import { onStage, type Stage } from './stage.ts'

const onMemory = (body: (stage: Stage) => Promise<void>) => onStage({ broker: createMemoryBroker() }, body)
const ROLLOUT = { mode: 'full', chains: 'all', percent: 100, controlShare: 0, killed: false }
const RECORD: ControlRecord = { v: 1, id: 'x', version: 7, by: 'ben', atMs: 1, value: ROLLOUT }

async function write(stage: Stage, setting: string, value: Partial<ControlRecord> | string | null): Promise<void> {
  const { control } = stage.topics
  await stage.admin.createTopics([{ topic: control, partitions: 1 }])
  const bytes = value === null || typeof value === 'string' ? value : encodeControl({ ...RECORD, ...value })
  await stage.producer.sendBatch(control, [{ partition: 0, key: controlKey(stage.service, setting), value: bytes }])
}

async function controlCheck(node: ForewarmNode): Promise<unknown> {
  return JSON.parse((await get(node, '/readyz')).body).checks.control
}

async function put(node: ForewarmNode, settings: object, ifMatch: string | null = '*') {
  const response = await fetch(`http://127.0.0.1:${node.httpPort}/config`, {
    method: 'PUT',
    body: JSON.stringify({ settings, by: 'ana' }),
    headers: { 'if-match': ifMatch ?? '' },
  })
  return { status: response.status, etag: response.headers.get('etag'), body: (await response.json()) as object }
}

describe('a node that starts and finds no record of the rollout but one', () => {
  test.each([
    ['that is no JSON', '{', 'in JSON'],
    ['without a value', null, 'expected a JSON object'],
    ['of a later version of the format', '{"v":2}', 'v'],
    ['whose value is not allowed', { value: { ...ROLLOUT, mode: 'later' } }, 'mode: expected one of'],
  ] as const)('%s warms nothing and says so, until somebody sets one', async (_, value, why) => {
    await onMemory(async (stage) => {
      await write(stage, 'rollout', value)
      const node = await stage.startNode()
      const sentence = expect.stringMatching(/^the rollout that was set cannot be read \(.*\): a node that starts/)
      const { mode, offBecause } = node.rollout.status()
      expect({ mode, offBecause }).toEqual({ mode: 'off', offBecause: sentence })
      expect(offBecause).toContain(why)
      expect(await controlCheck(node)).toEqual({ status: 'degraded', reason: sentence })
      expect(await node.rollout.set({ mode: 'full' })).toMatchObject({ status: 'set' })
      expect(node.rollout.status()).toMatchObject({ mode: 'full', offBecause: undefined })
      expect(await controlCheck(node)).toEqual({ status: 'ok' })
      const late = await stage.startNode()
      expect(late.rollout.status().mode).toBe('full')
    })
  })
})

test('a node that has read that nobody has set a rollout goes on when a record comes that cannot be read', async () => {
  await onMemory(async (stage) => {
    const node = await stage.startNode()
    await write(stage, 'rollout', '{')
    await until('the check tells it', async () => JSON.stringify(await controlCheck(node)).includes('cannot be read'))
    expect(node.rollout.status().mode).toBe('full')
  })
})

describe('a node that refuses the settings that others have in force', () => {
  const THEIRS = { id: 'theirs', version: 2, value: { LATER_SETTING: 1 } }
  const told = expect.stringMatching(
    /^version 2 of the settings for all nodes, set by ben, is refused here: LATER_SETTING/,
  )

  test('says so in its check, and shows them with the reason', async () => {
    await onMemory(async (stage) => {
      const node = await stage.startNode()
      await put(node, { WARMING_MAX_PAIRS: 3 })
      await write(stage, 'config', THEIRS)
      await until('it is degraded', async () => JSON.stringify(await controlCheck(node)).includes('degraded'))
      expect(await controlCheck(node)).toEqual({ status: 'degraded', reason: told })
      const { body } = await get(node, '/config')
      expect(JSON.parse(body)).toMatchObject({
        ...{ version: 2, by: 'ben', set: { LATER_SETTING: 1 } },
        refused_because: expect.stringContaining('LATER_SETTING (control): got an unknown name'),
      })
      expect(node.config.warming.maxPairs).toBe(3)
    })
  })

  test('sets nothing for an operator who has not seen them, and takes what one sets who has', async () => {
    await onMemory(async (stage) => {
      const node = await stage.startNode()
      const { etag } = await put(node, { WARMING_MAX_PAIRS: 3 })
      await write(stage, 'config', THEIRS)
      await until('it is refused', async () => JSON.stringify(await controlCheck(node)).includes('degraded'))
      const late = await put(node, { WARMING_MAX_PAIRS: 4 }, etag)
      expect(late).toMatchObject({ status: 409, etag: '"2"', body: { winner: { version: 2, by: 'ben' } } })
      expect(await put(node, { WARMING_MAX_PAIRS: 4 }, late.etag)).toMatchObject({ status: 200, etag: '"3"' })
      expect(node.config.warming.maxPairs).toBe(4)
      expect(await controlCheck(node)).toEqual({ status: 'ok' })
    })
  })
})
