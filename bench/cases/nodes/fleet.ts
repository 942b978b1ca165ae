import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { encodePriceJson } from '../../../schemas/price-json.ts'
import type { Producer, TopicPartition } from '../../../src/broker/port.ts'
import { withAdmin } from '../../../src/broker/with-admin.ts'
import type { Stage } from '../../stages/stage.ts'
import { Feed } from './feed.ts'
import type { FleetNodeTask, Order, Orders, Told } from './fleet-node.ts'
import { type Layout, PROBES, READ } from './market.ts'

const CHILD = fileURLToPath(new URL('./fleet-node.ts', import.meta.url))
const PROBE_MS = 300
/** So many rounds of probes in a row must be handled by the same nodes. */
const STEADY_ROUNDS = 2
const SPLIT_MS = 60_000
const READY = 0

/** A node in a process of its own (fleet-node.ts). */
export class FleetNode {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: unknown) => void>()
  readonly #ended: Promise<never>
  #orders = 0
  onProbe: (probe: string) => void = () => undefined

  constructor(task: FleetNodeTask) {
    const execArgv = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning']
    this.#child = fork(CHILD, [JSON.stringify(task)], { execArgv, serialization: 'advanced' })
    this.#ended = once(this.#child, 'exit').then(([code]) => Promise.reject(new Error(`a node ended with ${code}`)))
    this.#ended.catch(() => undefined)
    this.#child.on('message', (told: Told) => {
      if ('probe' in told) this.onProbe(told.probe)
      else this.#waiting.get(told.id)?.(told.answer)
    })
  }

  /** Resolves when the code is loaded. */
  loaded(): Promise<unknown> {
    return this.#answer(READY)
  }

  do<K extends keyof Orders>(name: K, task?: Parameters<Orders[K]>[0]): ReturnType<Orders[K]> {
    const order: Order = { id: ++this.#orders, name, task }
    const answer = this.#answer(order.id)
    this.#child.send(order)
    return answer as ReturnType<Orders[K]>
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal)
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill()
    await exited
  }

  #answer(id: number): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, resolve)
    return Promise.race([promise, this.#ended]).finally(() => this.#waiting.delete(id))
  }
}

/** Nodes of one service that have shared the partitions out: one is the owner of what is read, the others read. */
export interface Fleet {
  readonly service: string
  readonly owner: FleetNode
  readonly readers: readonly FleetNode[]
  readonly feed: Feed
  /** The most active pairs whose updates go to the owner. */
  readonly read: readonly number[]
  /** All pairs whose updates go to the owner. */
  readonly owned: readonly number[]
  /** The same for each reader. */
  readonly others: readonly (readonly number[])[]
}

/** Hands the body a fleet in which every pair has had an update. */
export async function withFleet<T>(
  stage: Stage,
  { layout, readers }: { readonly layout: Layout; readonly readers: number },
  body: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const { broker, brokers, redisUrl } = await stage.backends()
  const prefix = stage.unique('nodes')
  const topics = Array.from({ length: layout.topics }, (_, at) => `${prefix}-${at}`)
  const partitions = layout.partitionsATopic(readers + 1)
  await withAdmin(broker, (admin) => admin.createTopics(topics.map((topic) => ({ topic, partitions }))))
  const all = topics.flatMap((topic) => Array.from({ length: partitions }, (_, partition) => ({ topic, partition })))
  const service = stage.unique('bench')
  const nodes: FleetNode[] = []
  const producer = broker.producer()
  try {
    await producer.connect()
    for (let i = 0; i <= readers; i++) nodes.push(new FleetNode({ brokers, redisUrl, topics, service }))
    await Promise.all(nodes.map((node) => node.loaded()))
    await Promise.all(nodes.map((node) => node.do('start')))
    const [owned = [], ...rest] = await split(producer, nodes, all)
    const [owner, ...others] = nodes
    if (owner === undefined) throw new Error('no node was started')
    const places = layout.places(owned, all)
    const feed = new Feed(producer, places, layout.keyOf)
    await feed.everyPair()
    const ranksOf = (held: readonly TopicPartition[]) =>
      [...places.keys()].filter((rank) => held.some((each) => isSame(each, places[rank])))
    const mine = ranksOf(owned)
    const pairs = { read: mine.slice(0, READ), owned: mine, others: rest.map(ranksOf) }
    return await body({ service, owner, readers: others, feed, ...pairs })
  } finally {
    await Promise.all(nodes.map((node) => node.end()))
    await producer.close()
  }
}

function isSame(a: TopicPartition, b: TopicPartition | undefined): boolean {
  return a.topic === b?.topic && a.partition === b.partition
}

/** The partitions of each node: resolves when every node has some, and rounds of probes no longer move. */
async function split(
  producer: Producer,
  nodes: readonly FleetNode[],
  all: readonly TopicPartition[],
): Promise<readonly (readonly TopicPartition[])[]> {
  const deadline = performance.now() + SPLIT_MS
  let last = ''
  for (let steady = 0; performance.now() < deadline; ) {
    const nodeOf = await probed(producer, nodes, all)
    const now = nodeOf.join()
    steady = now === last && nodes.every((_, node) => nodeOf.includes(node)) && !nodeOf.includes(-1) ? steady + 1 : 0
    last = now
    if (steady >= STEADY_ROUNDS) return nodes.map((_, node) => all.filter((_, at) => nodeOf[at] === node))
  }
  throw new Error(`${nodes.length} nodes did not share out the partitions within ${SPLIT_MS} ms`)
}

/** For each partition, the node that handled a probe in it; -1 if none did in time. */
async function probed(
  producer: Producer,
  nodes: readonly FleetNode[],
  all: readonly TopicPartition[],
): Promise<readonly number[]> {
  const nodeOf = Array.from(all, () => -1)
  for (const [number, node] of nodes.entries())
    node.onProbe = (probe) => {
      nodeOf[Number(probe)] = number
    }
  await Promise.all(
    all.map(({ topic, partition }, at) => {
      const update = { chain: PROBES, pair: `${at}`, price: 1, eventTimeMs: Date.now() }
      return producer.sendBatch(topic, [{ partition, key: PROBES, value: encodePriceJson(update) }])
    }),
  )
  await pause(PROBE_MS)
  return nodeOf
}
