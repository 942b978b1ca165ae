import { describe, expect, test } from '@jest/globals'
import { controlKey } from '../../schemas/control/control-record.ts'
import { detector } from '../../src/detect/detector.ts'
import { forewarm } from '../bin/forewarm-process.ts'
import { kafkaBrokers } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { newChain, onKafka } from '../node/kafka-stage.ts'
import { get } from '../node/scrape.ts'
import { type Stage, updateOf } from '../node/stage.ts'

const PAIRS = Array.from({ length: 60 }, (_, n) => `P${n}`)
const siblings = detector('siblings', {}, async ({ chain, pair }, prices) => {
  const at = PAIRS.indexOf(pair)
  await prices.getMany(chain, [PAIRS[(at + 20) % 60] ?? '', PAIRS[(at + 40) % 60] ?? ''])
})
const config = {
  cache: { l1Slots: 10 },
  node: { lookAhead: 'await', lookAheadMs: 1_000 },
  warming: { rollout: 'shadow', controlShare: 0 },
} as const

function command(stage: Stage, ...args: string[]) {
  const env = {
    KAFKA_BROKERS: kafkaBrokers().join(','),
    FOREWARM_SERVICE: stage.service,
    CONTROL_TOPIC: stage.topics.control,
  }
  return forewarm(['rollout', ...args], { env })
}

describe('forewarm rollout', () => {
  test('shows and sets what every node of the service follows, and ends all warming with a kill', () =>
    onKafka({ partitions: 2 }, async (stage) => {
      const chains = [newChain(stage, 0), newChain(stage, 1)]
      const nodes = [
        await stage.startNode({ detectors: [siblings], start: 'earliest', config }),
        await stage.startNode({ detectors: [siblings], start: 'earliest', config }),
      ]
      let produced = 0
      const round = async () => {
        for (const chain of chains)
          await stage.produce(...PAIRS.map((pair) => updateOf(pair, { chain, eventTimeMs: Date.now() })))
        produced += chains.length * PAIRS.length
        await until('all are handled', () => nodes.reduce((sum, node) => sum + node.stats().updates, 0) >= produced)
      }
      const warms = () => nodes.map((node) => node.stats().warms.admitted)
      for (let n = 0; n < 3; n++) await round()
      expect(warms()).toEqual([0, 0])

      expect(await command(stage, 'status')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('nobody has set a rollout'),
      })
      const set = await command(stage, 'set', 'full', '--reason', 'measured', '--by', 'ana', '--json')
      expect(JSON.parse(set.stdout)).toMatchObject({ service: stage.service, mode: 'full', version: 1, by: 'ana' })
      await until('both follow', () => nodes.every((node) => node.rollout.status().mode === 'full'))
      for (let n = 0; n < 2; n++) await round()
      expect(Math.min(...warms())).toBeGreaterThan(0)

      const killed = await command(stage, 'kill', '--reason', 'a drill')
      expect(killed).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('KILLED'),
        stderr: expect.stringContaining('--lift-kill'),
      })
      await until('both follow', () => nodes.every((node) => node.rollout.status().mode === 'off'))
      const atKill = warms()
      await round()
      expect(warms()).toEqual(atKill)

      const late = await stage.startNode({ config })
      expect(late.rollout.status()).toMatchObject({ mode: 'off', set: { killed: true, reason: 'a drill' } })
      const lifted = await command(stage, 'set', 'canary', '--percent', '5', '--chains', 'a,b', '--lift-kill', '--json')
      expect(JSON.parse(lifted.stdout)).toMatchObject({ mode: 'canary', percent: 5, chains: ['a', 'b'], killed: false })
      const status = await command(stage, 'status')
      expect(status.stdout).toMatch(
        /canary, 5 % of the pairs, chains a, b.*version 3.*before: KILLED.*a drill.*measured/s,
      )
    }))

  test('tells the operator whose version is not in force any more, and changes nothing', () =>
    onKafka({}, async (stage) => {
      await command(stage, 'set', 'shadow', '--by', 'ana')
      const lost = await command(stage, 'set', 'full', '--if-version', '0')
      expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining('another operator was faster') })
      expect(lost.stderr).toContain('set by ana')
      expect(JSON.parse((await command(stage, 'status', '--json')).stdout)).toMatchObject({
        mode: 'shadow',
        version: 1,
      })
    }))
})

test('a node that runs and loses the control topic is degraded, as it would not hear of a kill', () =>
  onKafka({}, async (stage) => {
    const node = await stage.startNode({ config })
    const control = async () => JSON.parse((await get(node, '/readyz')).body).checks.control
    expect(await control()).toEqual({ status: 'ok' })
    await stage.admin.deleteTopics([stage.topics.control])
    await until('the check says so', async () => (await control()).status === 'degraded')
  }))

test('a rollout that cannot be read is told by status, and ends once one is set', () =>
  onKafka({}, async (stage) => {
    const { control } = stage.topics
    await stage.admin.createTopics([{ topic: control, partitions: 1 }])
    await stage.producer.sendBatch(control, [{ partition: 0, key: controlKey(stage.service, 'rollout'), value: '{' }])
    const node = await stage.startNode({ config })
    expect(node.rollout.status()).toMatchObject({ mode: 'off', offBecause: expect.stringContaining('cannot be read') })
    const told = expect.stringContaining('a node that starts warms nothing until somebody sets one')
    expect(await command(stage, 'status')).toMatchObject({ code: 0, stderr: told })
    const { stdout } = await command(stage, 'status', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ version: 0, trouble: told })
    expect(await command(stage, 'set', 'full')).toMatchObject({ code: 0 })
    await until('the node follows', () => node.rollout.status().mode === 'full')
    expect(await command(stage, 'status')).toMatchObject({ code: 0, stderr: expect.not.stringContaining('read') })
  }))
