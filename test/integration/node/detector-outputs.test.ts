import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { BrokerError } from '../../../src/broker/port.ts'
import { detector } from '../../../src/detect/detector.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { awayBroker, type Send, sendingThrough } from '../../node/output-broker.ts'
import { header, onStage, type Stage, topicNames, updateOf } from '../../node/stage.ts'
import type { FinderTask } from './child-finder.ts'

const PRICES = Array.from({ length: 50 }, (_, price) => price)

/** A stage on Kafka whose nodes send their outputs as the test wants. */
function withOutput(send: Send, body: (stage: Stage, output: string) => Promise<void>): Promise<void> {
  const output = uniqueName('found')
  const broker = createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('outputs') })
  return onStage({ broker, nodeBroker: sendingThrough(broker, output, send) }, (stage) => body(stage, output))
}

function finding(output: string) {
  return { detectors: [detector('found', { output }, async ({ price }) => price)], start: 'earliest' as const }
}

test('an offset is not committed to Kafka before the outputs of its updates are acknowledged', async () => {
  const away = awayBroker()
  await withOutput(away.send, async (stage, output) => {
    const node = await stage.startNode(finding(output))
    await stage.produce(...PRICES.map((price) => updateOf('A', { price })))
    await until('all are found and were tried again', () => node.stats().updates === 50 && away.attempts() > 3)
    expect(await stage.committed()).toBe(0)
    away.comesBack()
    await until('all is committed', async () => (await stage.committed()) === 50)
    const outputs = await stage.watch(output, 'earliest')
    await until('all are there', () => outputs.length >= 50)
    expect(outputs.map(({ value }) => Number(value))).toEqual(PRICES)
    expect(String(outputs[0]?.key)).toBe('ethereum\0A')
    expect(outputs.map((of) => header(of, 'forewarm-update')).at(-1)).toBe(`${stage.topic}/0@49`)
  })
})

test('an output whose acknowledgement was lost is sent again, and its offset waits for that', async () => {
  let lost = 0
  const losing: Send = async (real) => {
    const stored = await real()
    if (lost++ > 0) return stored
    throw new BrokerError('unreachable', 'no answer came', { retriable: true })
  }
  await withOutput(losing, async (stage, output) => {
    await stage.startNode(finding(output))
    await stage.produce(updateOf('A', { price: 1 }), updateOf('A', { price: 2 }))
    await until('both are committed', async () => (await stage.committed()) === 2)
    const outputs = await stage.watch(output, 'earliest')
    await until('all are there', () => outputs.length > 2 && Number(outputs.at(-1)?.value) === 2)
    // The first batch is there twice, with one update or both.
    expect([
      [1, 1, 2],
      [1, 2, 1, 2],
    ]).toContainEqual(outputs.map(({ value }) => Number(value)))
  })
})

test('a node that is killed before its outputs are stored has committed nothing, and the next node finds them again', async () => {
  await withOutput(
    (real) => real(),
    async (stage, output) => {
      const config = {
        kafka: { brokers: kafkaBrokers(), priceTopics: [stage.topic], ...topicNames(stage), sessionTimeoutMs: 6_000 },
        node: { service: stage.service },
        http: { port: 0 },
      }
      const task: FinderTask = { brokers: kafkaBrokers(), output, config }
      const child: ChildProcess = fork(new URL('./child-finder.ts', import.meta.url), [JSON.stringify(task)])
      await stage.produce(updateOf('A', { price: 7 }))
      await once(child, 'message')
      child.kill('SIGKILL')
      await once(child, 'exit')
      expect(await stage.committed()).toBe(0)
      await stage.startNode(finding(output))
      await until('it is committed', async () => (await stage.committed()) === 1)
      const outputs = await stage.watch(output, 'earliest')
      await until('it is there', () => outputs.length > 0)
      expect(outputs.map(({ value }) => Number(value))).toEqual([7])
    },
  )
})
