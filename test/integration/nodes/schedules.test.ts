import { expect, test } from '@jest/globals'
import { detector } from '../../../src/detect/detector.ts'
import { forewarm } from '../../bin/forewarm-process.ts'
import { kafkaBrokers } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { onKafka } from '../../node/kafka-stage.ts'
import { type Stage, updateOf } from '../../node/stage.ts'
import { asked } from '../../node/task-client.ts'

interface Status {
  readonly running: boolean
  readonly leading: boolean
  readonly reason?: string
  readonly next_runs: Readonly<Record<string, number>>
  readonly performance_summary: Readonly<Record<string, unknown>>
}

const reader = detector('reader', {}, ({ chain, pair }, prices) => {
  prices.get(chain, pair)
})
const scheduled = { schedules: { enabled: true }, warming: { controlShare: 0 } } as const

function command(stage: Stage, ...args: string[]) {
  const { control: CONTROL_TOPIC } = stage.topics
  const env = { KAFKA_BROKERS: kafkaBrokers().join(','), FOREWARM_SERVICE: stage.service, CONTROL_TOPIC }
  return forewarm(['schedules', ...args], { env })
}

test('forewarm schedules run has the node that leads run a schedule, and each node and schedules list tell how it went', async () => {
  await onKafka({ partitions: 2 }, async (stage) => {
    const nodes = [
      await stage.startNode({ detectors: [reader], config: scheduled }),
      await stage.startNode({ detectors: [reader], config: scheduled }),
    ]
    const statuses = () => Promise.all(nodes.map(async (node) => (await asked<Status>(node, '/warming/status')).body))
    await until('one of the two leads', async () => {
      const all = await statuses()
      return all.every(({ running }) => running) && all.filter(({ leading }) => leading).length === 1
    })
    const updates = () => nodes.map((node) => node.stats().updates)
    await until('each node has read a pair', async () => {
      await stage.produce(...Array.from({ length: 8 }, (_, at) => updateOf('P', { chain: `c${at}` })))
      return updates().every((count) => count > 0)
    })
    const run = await command(stage, 'run', 'popular', '--json')
    expect([run.code, run.stderr]).toEqual([0, ''])
    const { runs } = JSON.parse(run.stdout)
    expect(runs).toMatchObject([{ name: 'popular', state: 'done', results: [{ strategy: 'popular', state: 'done' }] }])
    expect(runs[0].results[0].pairs).toBeGreaterThan(0)
    const listed = await command(stage, 'list')
    expect(listed.stdout).toMatch(/popular +every 30m, next .*\n +last .*popular: \d+ of \d+ pairs warmed, done/)
    for (const { next_runs, performance_summary } of await statuses()) {
      expect(next_runs.popular).toBeGreaterThan(Date.now())
      expect(performance_summary.popular).toMatchObject({ strategy: 'popular', status: 'done' })
    }
  })
})

test('a node without the role warm takes no part in the schedules, and says why; the command says so, too', async () => {
  await onKafka({}, async (stage) => {
    const node = await stage.startNode({ config: { ...scheduled, node: { roles: ['api', 'detect'] } } })
    const { body } = await asked<Status>(node, '/warming/status')
    expect(body).toMatchObject({ running: false, leading: false, reason: expect.stringContaining('not the role warm') })
    const run = await command(stage, 'run', 'popular')
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('one with the role warm has to run')])
  })
})
