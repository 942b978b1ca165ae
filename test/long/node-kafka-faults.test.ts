import { afterAll, beforeAll, beforeEach, expect, jest } from '@jest/globals'
import { type Stack, startStack } from '../../deploy/stack/stack.ts'
import type { ForewarmNode } from '../../node.ts'
import { createKafkaBroker } from '../../src/broker/kafka.ts'
import type { BrokerEvent } from '../../src/broker/port.ts'
import { testWithJava } from '../harness/java.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { newChain } from '../node/kafka-stage.ts'
import { Ledger } from '../node/ledger.ts'
import { get } from '../node/scrape.ts'
import { onStage, type Stage } from '../node/stage.ts'

jest.setTimeout(180_000)

const PATIENCE = { timeoutMs: 90_000 }
let kafka: Stack
const events: string[] = []

beforeAll(async () => {
  kafka = await startStack({ brokers: 1, redis: false })
})
beforeEach(() => {
  events.length = 0
})
afterAll(() => kafka?.stop())

function onOwnKafka(body: (stage: Stage) => Promise<void>): Promise<void> {
  const onEvent = ({ type }: BrokerEvent) => void events.push(type)
  const broker = createKafkaBroker({ brokers: kafka.brokers, clientId: uniqueName('faults'), onEvent })
  return onStage({ broker, partitions: 2 }, body)
}

const readiness = async (node: ForewarmNode) => (await get(node, '/readyz')).status

testWithJava(
  'a broker that is killed and comes back: the node is not ready meanwhile, recovers, and loses nothing',
  async () => {
    await onOwnKafka(async (stage) => {
      const ledger = new Ledger(stage, [newChain(stage, 0), newChain(stage, 1)])
      const node = await stage.startNode({ detectors: [ledger.detector()] })
      await ledger.send(1_000)
      await until('all are handled', () => ledger.handled === 1_000, PATIENCE)
      await kafka.killBroker(0)
      await until('it is not ready', async () => (await readiness(node)) === 503, PATIENCE)
      expect(await get(node, '/livez')).toMatchObject({ status: 200 })
      await kafka.startBroker(0)
      await until('updates are stored again', () => stored(ledger), PATIENCE)
      await until('all are handled', () => ledger.handled === ledger.sent, PATIENCE)
      await until('it is ready', async () => (await readiness(node)) === 200, PATIENCE)
      expect(ledger.missing).toEqual([])
      expect(ledger.wentBack).toBe(0)
      await until('the group knows', async () => (await stage.committed()) === ledger.sent, PATIENCE)
    })
  },
)

/** Sends ten more; those that a broker on its way up refuses are sent again, as a feed would. */
async function stored(ledger: Ledger): Promise<boolean> {
  try {
    await ledger.send(10)
    return true
  } catch {
    ledger.takeBack(10)
    return false
  }
}

testWithJava('a broker that hangs and goes on: nothing is lost', async () => {
  await onOwnKafka(async (stage) => {
    const ledger = new Ledger(stage, [newChain(stage, 0), newChain(stage, 1)])
    const node = await stage.startNode({ detectors: [ledger.detector()] })
    await ledger.send(1_000)
    await until('all are handled', () => ledger.handled === 1_000, PATIENCE)
    kafka.pauseBroker(0)
    const sent = ledger.send(1_000)
    kafka.resumeBroker(0)
    await sent
    await until('all are handled', () => ledger.handled === 2_000, PATIENCE)
    expect(await readiness(node)).toBe(200)
    expect(ledger.repeated).toEqual([])
  })
})

testWithJava('a node closes while its broker hangs', async () => {
  await onOwnKafka(async (stage) => {
    const ledger = new Ledger(stage, [newChain(stage, 0)])
    const node = await stage.startNode({ detectors: [ledger.detector()] })
    await ledger.send(100)
    await until('all are handled', () => ledger.handled === 100, PATIENCE)
    kafka.pauseBroker(0)
    try {
      await node.close()
    } finally {
      kafka.resumeBroker(0)
    }
  })
})

testWithJava('a broker that is away when a node starts is waited for', async () => {
  await onOwnKafka(async (stage) => {
    const ledger = new Ledger(stage, [newChain(stage, 0)])
    await kafka.killBroker(0)
    const node = await stage.node({ detectors: [ledger.detector()], start: 'earliest' })
    const started = node.start()
    await until('it answers', async () => (await readiness(node)) === 503, PATIENCE)
    await kafka.startBroker(0)
    await started
    await until('updates are stored', () => stored(ledger), PATIENCE)
    await until('they are handled', () => ledger.handled === 10, PATIENCE)
  })
})

testWithJava('a broker that hangs when a node starts is given up after the configured time', async () => {
  await onOwnKafka(async (stage) => {
    const node = await stage.node({ config: { kafka: { startTimeoutMs: 1_000 } } })
    kafka.pauseBroker(0)
    try {
      await expect(node.start()).rejects.toMatchObject({ code: 'kafka-unreachable', retriable: true })
      await node.close()
    } finally {
      kafka.resumeBroker(0)
    }
  })
})

testWithJava('a close ends the start of a node whose broker hangs', async () => {
  await onOwnKafka(async (stage) => {
    const node = await stage.node()
    kafka.pauseBroker(0)
    try {
      const refused = expect(node.start()).rejects.toMatchObject({ code: 'closed' })
      await until('the port is open', () => node.httpPort !== undefined)
      await node.close()
      await refused
    } finally {
      kafka.resumeBroker(0)
    }
  })
})
