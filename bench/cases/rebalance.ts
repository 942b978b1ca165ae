import { setTimeout as pause } from 'node:timers/promises'
import { startStack } from '../../deploy/stack/stack.ts'
import { type Broker, createKafkaBroker, createPricePublisher } from '../../index.ts'
import { encodePriceJson } from '../../schemas/price-json.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'
import type { Bench, Figure } from '../harness/bench.ts'
import { type Handling, type Pauses, pausesOf } from '../harness/pauses.ts'
import type { NodeProcessOptions } from '../stages/node-child.ts'
import { NodeProcess } from '../stages/node-process.ts'
import type { Stage } from '../stages/stage.ts'
import { pace } from '../traffic/pace.ts'
import { PARTITIONS, partitionAt, updateAt } from '../traffic/price-feed.ts'

/**
 * What becomes of partitions when nodes come and go, are killed, or lose a broker, while updates keep coming. Each node is
 * a process of its own.
 */
export const rebalance: Bench = { name: 'rebalance', cases }

const PER_SECOND = 2_400
const SETTLE_MS = 1_500
const CATCH_UP_MS = 60_000
/** The session of nodes that are killed, and of nodes that lose a broker. */
const SESSION_MS = 2_000
const TOPICS = 200
const UPDATES_A_TOPIC = 50

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const ms = (name: string, value: number): Figure => ({ kind: 'value', case: name, unit: 'ms', value })
  const rolling = await rollingRestart(stage)
  const longest = (of: keyof RestartedNode): number => Math.max(...rolling.map((restart) => restart[of]))
  yield ms('rolling restart of three nodes: longest pause of a partition that moves', longest('movingMs'))
  yield ms('rolling restart of three nodes: longest pause of a partition that stays', longest('stayingMs'))
  yield ms('nobody comes or goes: longest pause of a partition', longest('quietMs'))
  const churned = await churn(stage)
  yield {
    kind: 'value',
    case: 'updates handled twice over 20 joins and leaves',
    unit: 'updates',
    value: churned.repeated,
  }
  yield { kind: 'value', case: 'updates lost over 20 joins and leaves', unit: 'updates', value: churned.lost }
  yield ms('a node of three killed, session 2 s: its partitions handled again', await nodeKilled(stage))
  yield ms('a leader of three brokers killed, session 2 s: consuming again', await leaderKilled(stage))
  yield ms('a topic grows to 4 and 12 partitions: the new ones handled', await growth(stage))
  const share = await shareOfBusier(stage)
  yield {
    kind: 'value',
    case: '200 topics of one partition: updates on the busier of two nodes',
    unit: 'share',
    value: share,
  }
}

/** Nodes that read one topic, and the load on it. */
class Fleet {
  readonly #options: NodeProcessOptions
  readonly #broker: Broker
  readonly #nodes = new Set<NodeProcess>()
  readonly #partitions: Handling[][] = Array.from({ length: PARTITIONS }, () => [])
  readonly #times: number[] = []
  #isLoaded = true
  #load: Promise<number> = Promise.resolve(0)
  #closeLoad: () => Promise<void> = async () => undefined

  constructor(broker: Broker, options: NodeProcessOptions) {
    this.#broker = broker
    this.#options = options
  }

  async make(): Promise<NodeProcess> {
    const node = await NodeProcess.make(this.#options, (by, sequence, atMs) => {
      this.#times[sequence] = (this.#times[sequence] ?? 0) + 1
      this.#partitions[partitionAt(sequence)]?.push({ atMs, node: by })
    })
    this.#nodes.add(node)
    return node
  }

  async start(): Promise<NodeProcess> {
    const node = await this.make()
    await node.start()
    return node
  }

  async end(node: NodeProcess, signal?: 'SIGKILL'): Promise<void> {
    this.#nodes.delete(node)
    await node.end(signal)
  }

  async load(): Promise<void> {
    const [topic = ''] = this.#options.topics
    const producer = this.#broker.producer()
    await producer.connect()
    const publisher = createPricePublisher({ producer, topic, partitions: PARTITIONS })
    this.#load = pace({ publisher, perSecond: PER_SECOND, from: 0, more: () => this.#isLoaded })
    this.#closeLoad = async () => {
      await publisher.close()
      await producer.close()
    }
  }

  /** Resolves when the node has handled some, and what it did to others is over. */
  async joined(node: NodeProcess): Promise<void> {
    while (node.handled === 0) await pause(10)
    await pause(SETTLE_MS)
  }

  /** Pauses from `sinceMs` until `untilMs`. */
  pauses(sinceMs: number, untilMs = Number.POSITIVE_INFINITY): Pauses {
    return pausesOf(this.#partitions.map((all) => all.filter(({ atMs }) => atMs >= sinceMs && atMs <= untilMs)))
  }

  /** Ends the load, and resolves when all updates are handled, or none came for long. */
  async settled(): Promise<{ readonly repeated: number; readonly lost: number }> {
    this.#isLoaded = false
    const sent = await this.#load
    const deadline = performance.now() + CATCH_UP_MS
    const lost = (): number => sent - this.#times.reduce((sum, times) => sum + (times > 0 ? 1 : 0), 0)
    while (lost() > 0 && performance.now() < deadline) await pause(100)
    return { lost: lost(), repeated: this.#times.reduce((sum, times) => sum + (times > 1 ? 1 : 0), 0) }
  }

  async close(): Promise<void> {
    this.#isLoaded = false
    await this.#load.catch(() => undefined)
    await this.#closeLoad()
    await Promise.all([...this.#nodes].map((node) => node.end()))
  }
}

interface FleetOptions {
  readonly nodes: number
  readonly sessionTimeoutMs?: number
  readonly brokers?: readonly string[]
}

/** Hands the body a fleet under load, whose partitions are shared out. */
async function withFleet<T>(
  stage: Stage,
  { nodes, sessionTimeoutMs, brokers }: FleetOptions,
  body: (fleet: Fleet, nodes: readonly NodeProcess[], topic: string) => Promise<T>,
): Promise<T> {
  const { redisUrl, ...backends } = await stage.backends()
  const broker = brokers === undefined ? backends.broker : createKafkaBroker({ brokers, clientId: 'bench' })
  const topic = stage.unique('prices')
  await withAdmin(broker, (admin) => admin.createTopics([{ topic, partitions: PARTITIONS }]))
  const fleet = new Fleet(broker, {
    ...{ brokers: brokers ?? backends.brokers, redisUrl, topics: [topic], service: stage.unique('bench') },
    ...(sessionTimeoutMs && { sessionTimeoutMs }),
  })
  try {
    const started: NodeProcess[] = []
    for (let i = 0; i < nodes; i++) started.push(await fleet.start())
    await fleet.load()
    for (const node of started) await fleet.joined(node)
    return await body(fleet, started, topic)
  } finally {
    await fleet.close()
    if (brokers !== undefined) await broker.close()
  }
}

function nowMs(): number {
  return performance.timeOrigin + performance.now()
}

/** The code of a new node is loaded before the old one ends: on the cores of this machine, that would be a pause for all. */
function rollingRestart(stage: Stage): Promise<readonly RestartedNode[]> {
  return withFleet(stage, { nodes: 3 }, async (fleet, nodes) => {
    const restarts: RestartedNode[] = []
    for (const node of nodes) {
      const next = await fleet.make()
      await pause(SETTLE_MS)
      const sinceMs = nowMs()
      await fleet.end(node)
      await next.start()
      await fleet.joined(next)
      const tookMs = nowMs() - sinceMs
      await pause(tookMs)
      const quietMs = fleet.pauses(sinceMs + tookMs).stayingMs
      restarts.push({ ...fleet.pauses(sinceMs, sinceMs + tookMs), quietMs })
    }
    const { lost } = await fleet.settled()
    if (lost > 0) throw new Error(`${lost} updates were lost over a rolling restart`)
    return restarts
  })
}

interface RestartedNode extends Pauses {
  /** The longest pause of any partition, in as long a time while nobody came or went. */
  readonly quietMs: number
}

function churn(stage: Stage): Promise<{ readonly repeated: number; readonly lost: number }> {
  return withFleet(stage, { nodes: 2 }, async (fleet) => {
    for (let round = 0; round < stage.amount(10, 2); round++) {
      const node = await fleet.start()
      while (node.handled === 0) await pause(10)
      await fleet.end(node)
    }
    return fleet.settled()
  })
}

function nodeKilled(stage: Stage): Promise<number> {
  return withFleet(stage, { nodes: 3, sessionTimeoutMs: SESSION_MS }, async (fleet, [first]) => {
    if (first === undefined) throw new Error('no node was started')
    const sinceMs = nowMs() - SETTLE_MS
    await fleet.end(first, 'SIGKILL')
    await pause(2 * SESSION_MS)
    const { lost } = await fleet.settled()
    if (lost > 0) throw new Error(`${lost} updates were lost when a node was killed`)
    return fleet.pauses(sinceMs).movingMs
  })
}

async function leaderKilled(stage: Stage): Promise<number> {
  const stack = await startStack({ brokers: 3, redis: false, report: (line) => console.error(`stack: ${line}`) })
  try {
    return await withFleet(stage, { nodes: 2, sessionTimeoutMs: SESSION_MS, brokers: stack.brokers }, async (fleet) => {
      const sinceMs = nowMs()
      await stack.killBroker(0)
      await pause(4 * SESSION_MS)
      const { lost } = await fleet.settled()
      if (lost > 0) throw new Error(`${lost} updates were lost when a broker was killed`)
      const { movingMs, stayingMs } = fleet.pauses(sinceMs)
      return Math.max(movingMs, stayingMs)
    })
  } finally {
    await stack.stop()
  }
}

/** The longest time from the growth to the first update of the last new partition. */
async function growth(stage: Stage): Promise<number> {
  const { broker } = await stage.backends()
  const topic = await stage.topic(2)
  const handledIn = new Set<number>()
  const consumer = broker.consumer({
    ...{ mode: 'group', groupId: stage.unique('bench'), topics: [topic], start: { at: 'latest' } },
    onBatch: async ({ partition, count }) => {
      handledIn.add(partition)
      return count
    },
  })
  const producer = broker.producer()
  await Promise.all([consumer.start(), producer.connect()])
  let longestMs = 0
  try {
    for (const partitions of [4, 12]) {
      const sinceMs = performance.now()
      await withAdmin(broker, (admin) => admin.growTopic(topic, partitions))
      const records = Array.from({ length: partitions }, (_, partition) => ({ partition, value: 'a' }))
      await producer.sendBatch(topic, records)
      while (handledIn.size < partitions && performance.now() - sinceMs < CATCH_UP_MS) await pause(5)
      longestMs = Math.max(longestMs, performance.now() - sinceMs)
    }
    return longestMs
  } finally {
    await consumer.stop()
    await producer.close()
  }
}

async function shareOfBusier(stage: Stage): Promise<number> {
  const { broker, brokers, redisUrl } = await stage.backends()
  const prefix = stage.unique('prices')
  const topics = Array.from({ length: TOPICS }, (_, topic) => `${prefix}-${topic}`)
  await withAdmin(broker, (admin) => admin.createTopics(topics.map((topic) => ({ topic, partitions: 1 }))))
  const options = { brokers, redisUrl, topics, service: stage.unique('bench') }
  const nodes: NodeProcess[] = []
  const producer = broker.producer()
  try {
    for (let i = 0; i < 2; i++) nodes.push(await NodeProcess.make(options, () => undefined))
    for (const node of nodes) await node.start()
    await pause(SETTLE_MS)
    await producer.connect()
    const firstMs = Date.now() - TOPICS * UPDATES_A_TOPIC
    for (const [number, topic] of topics.entries()) {
      const places = Array.from({ length: UPDATES_A_TOPIC }, (_, at) => number * UPDATES_A_TOPIC + at)
      const values = places.map((at) => encodePriceJson(updateAt(at, firstMs + at)))
      await producer.sendBatch(
        topic,
        values.map((value) => ({ partition: 0, value })),
      )
    }
    const counts = (): number[] => nodes.map(({ handled }) => handled)
    const total = (): number => counts().reduce((sum, count) => sum + count, 0)
    const deadline = performance.now() + CATCH_UP_MS
    while (total() < TOPICS * UPDATES_A_TOPIC && performance.now() < deadline) await pause(50)
    return Math.max(...counts()) / total()
  } finally {
    await producer.close()
    await Promise.all(nodes.map((node) => node.end()))
  }
}
