import { afterAll, beforeAll, expect } from '@jest/globals'
import { type Stack, startStack } from '../../deploy/stack/stack.ts'
import type { ForewarmNode } from '../../node/node.ts'
import { createKafkaBroker, type KafkaBrokerOptions } from '../../src/broker/kafka/broker.ts'
import { testWithJava } from '../harness/java.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { newChain } from '../node/kafka-stage.ts'
import { Ledger } from '../node/ledger.ts'
import { get } from '../node/scrape.ts'
import { onStage, type Stage } from '../node/stage.ts'

const PATIENCE = { timeoutMs: 90_000 }
type Timing = Pick<KafkaBrokerOptions, 'requestTimeoutMs' | 'closeTimeoutMs'>

let kafka: Stack

beforeAll(async () => {
  kafka = await startStack({ brokers: 1, redis: false })
})
afterAll(() => kafka?.stop())

function onOwnKafka(body: (stage: Stage) => Promise<void>, nodes?: Timing): Promise<void> {
  const client = { brokers: kafka.brokers, clientId: uniqueName('faults') }
  const broker = createKafkaBroker(client)
  const nodeBroker = nodes === undefined ? {} : { nodeBroker: createKafkaBroker({ ...client, ...nodes }) }
  return onStage({ broker, ...nodeBroker, partitions: 2 }, body)
}

interface Scene {
  readonly stage: Stage
  readonly ledger: Ledger
  readonly node: ForewarmNode
}

/** Runs the body once a node has handled a thousand updates of two chains. */
function afterAThousand(body: (scene: Scene) => Promise<void>, nodes?: Timing): Promise<void> {
  return onOwnKafka(async (stage) => {
    const ledger = new Ledger(stage, [newChain(stage, 0), newChain(stage, 1)])
    const node = await stage.startNode({ detectors: [ledger.detector()] })
    await ledger.send(1_000)
    await until('all are handled', () => ledger.handled === 1_000, PATIENCE)
    await body({ stage, ledger, node })
  }, nodes)
}

const readiness = async (node: ForewarmNode) => (await get(node, '/readyz')).status

testWithJava(
  'a node whose broker is killed and comes back is not ready meanwhile, recovers, and loses nothing',
  async () => {
    await afterAThousand(async ({ stage, ledger, node }) => {
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

/** How many records the price topic has stored. */
async function storedRecords(stage: Stage): Promise<number> {
  const offsets = await stage.admin.offsets(stage.topic)
  return offsets.reduce((sum, { high }) => sum + Number(high), 0)
}

/** Sends ten more. A broker that is still starting may refuse them; they are then sent again, as a feed would do. */
async function stored(ledger: Ledger): Promise<boolean> {
  try {
    await ledger.send(10)
    return true
  } catch {
    ledger.takeBack(10)
    return false
  }
}

/** For the clients of the node only; the producer of the test has plenty of time. */
const IMPATIENT: Timing = { requestTimeoutMs: 1_000, closeTimeoutMs: 500 }

testWithJava('a node whose broker hangs for a while is not ready meanwhile, recovers, and loses nothing', async () => {
  await afterAThousand(async ({ stage, ledger, node }) => {
    await until('the group knows', async () => (await stage.committed()) === 1_000, PATIENCE)
    await kafka.pauseBroker(0)
    let isStored = false
    // One update for each pair, so that none goes back even if Kafka stores them twice.
    const sent = ledger.send(14).then(() => {
      isStored = true
    })
    try {
      await until('it is not ready', async () => (await readiness(node)) === 503, PATIENCE)
      expect(await get(node, '/livez')).toMatchObject({ status: 200 })
      expect([isStored, ledger.handled]).toEqual([false, 1_000])
    } finally {
      kafka.resumeBroker(0)
    }
    await sent
    await ledger.send(1_000)
    await until('all are handled', () => ledger.handled === 2_014, PATIENCE)
    await until('it is ready', async () => (await readiness(node)) === 200, PATIENCE)
    // A broker that hung beyond its session may have stored records that it then refused, and that are sent again.
    const storedAgain = (await storedRecords(stage)) - ledger.sent
    expect([ledger.missing, ledger.wentBack]).toEqual([[], 0])
    expect(ledger.repeated.length).toBeLessThanOrEqual(storedAgain)
    await until('the group knows', async () => (await stage.committed()) === ledger.sent + storedAgain, PATIENCE)
  }, IMPATIENT)
})

/** Anything that waits for a request to end would wait longer than a test may take. */
const PATIENT: Timing = { requestTimeoutMs: 600_000, closeTimeoutMs: 500 }

testWithJava('a node closes even while its broker hangs and requests are held', async () => {
  await onOwnKafka(async (stage) => {
    const chain = newChain(stage, 0)
    const ledger = new Ledger(stage, [chain])
    const node = await stage.startNode({ detectors: [ledger.detector()] })
    await ledger.send(100)
    await until('all are handled', () => ledger.handled === 100, PATIENCE)
    const publisher = await stage.warmPublisher()
    const held = { chain, pairs: ['P0'], notBeforeMs: Date.now() + 300_000 }
    await publisher.request(held)
    await publisher.request({ chain, pairs: ['P1'], wait: true })
    await kafka.pauseBroker(0)
    try {
      await node.close()
      await expect(get(node, '/livez')).rejects.toThrow()
    } finally {
      kafka.resumeBroker(0)
    }
    await expect(node.start()).rejects.toMatchObject({ code: 'closed' })
  }, PATIENT)
})

testWithJava('a node that starts without its broker waits for it', async () => {
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

testWithJava('a node that starts while its broker hangs gives up after the configured time', async () => {
  await onOwnKafka(async (stage) => {
    const node = await stage.node({ config: { kafka: { startTimeoutMs: 1_000 } } })
    await kafka.pauseBroker(0)
    try {
      await expect(node.start()).rejects.toMatchObject({ code: 'kafka-unreachable', retriable: true })
      await node.close()
    } finally {
      kafka.resumeBroker(0)
    }
  })
})

testWithJava('closing a node ends its start while its broker hangs', async () => {
  await onOwnKafka(async (stage) => {
    const node = await stage.node()
    await kafka.pauseBroker(0)
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
