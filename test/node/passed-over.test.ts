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
