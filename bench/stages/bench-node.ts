import {
  type Broker,
  createKafkaBroker,
  createNode,
  type Detector,
  type ForewarmNode,
  type FormatRule,
} from '../../index.ts'
import type { LookAheadMode } from '../../src/strategy/named.ts'
import type { Backlog, ReaderStage } from './stage.ts'
import { StopWatch } from './stop-watch.ts'

/** A node as a user gets it: all roles, every default, telemetry on, over the stage's Kafka and Redis. */
export interface BenchNodeOptions {
  readonly topic: string
  /** Names the group. Default: one that nobody had, with nothing committed. */
  readonly service?: string
  readonly detectors?: readonly Detector[]
  readonly formats?: readonly FormatRule[]
  readonly lookAhead?: LookAheadMode
  readonly l1Slots?: number
  /** Reads from the start of the topic, and is timed. */
  readonly watch?: StopWatch
}

export interface BenchNode {
  readonly node: ForewarmNode
  /** The node, then its broker. */
  close(): Promise<void>
}

/**
 * The node started last, kept while the next one is made. When no instance of a class is left, a collection drops the
 * class's layout and its compiled code, and code compiled after that is slow for good. A process that runs a node always
 * has an instance.
 */
const held: { node?: ForewarmNode } = {}

/** Resolves when the node reads. */
export async function startNode(stage: ReaderStage, options: BenchNodeOptions): Promise<BenchNode> {
  const { brokers, redisUrl } = await stage.backends()
  const kafka = createKafkaBroker({ brokers, clientId: 'bench-node' })
  const node = await createNode({
    broker: options.watch === undefined ? kafka : timed(kafka, options.watch),
    detectors: options.detectors ?? [],
    formats: options.formats ?? [],
    // The environment is the developer's: it must not change what is measured.
    env: {},
    logLevel: 'warn',
    config: {
      kafka: { priceTopics: [options.topic] },
      node: { service: options.service ?? stage.unique('bench'), lookAhead: options.lookAhead },
      cache: { redisUrls: [redisUrl], l1Slots: options.l1Slots },
      warming: { rollout: 'full' },
      http: { port: 0 },
    },
  })
  held.node = node
  const close = async (): Promise<void> => {
    await node.close()
    await kafka.close()
  }
  try {
    await node.start()
  } catch (error) {
    await close()
    throw error
  }
  return { node, close }
}

/**
 * Handles each update of a backlog; resolves to milliseconds. `caughtUp` is called before the node is closed. Throws if
 * the node did not handle every update, or kept one from L2: a node that drops what it reads would be the fastest.
 */
export async function catchUp(
  stage: ReaderStage,
  { topic, updates, updatesPerRecord, ...options }: Backlog & Omit<BenchNodeOptions, 'topic' | 'watch'>,
  caughtUp?: (node: ForewarmNode, ms: number) => Promise<void>,
): Promise<number> {
  const watch = new StopWatch(updates / updatesPerRecord)
  const { node, close } = await startNode(stage, { ...options, topic, watch })
  try {
    const ms = await watch.finished()
    await caughtUp?.(node, ms)
    const { updates: handled, l2 } = node.stats()
    if (handled !== updates || l2.skippedEntries > 0)
      throw new Error(`${updates} updates were there, ${handled} handled, ${l2.skippedEntries} kept from L2`)
    return ms
  } finally {
    await close()
  }
}

/**
 * The stop-watch stands where the broker hands batches to the node. A node begins at the end of a topic that its group
 * does not know, which is no use to a bench: this one begins at the start.
 */
function timed(broker: Broker, watch: StopWatch): Broker {
  return {
    ...broker,
    consumer: (options) => {
      if (options.mode === 'broadcast') return broker.consumer(options)
      return broker.consumer({
        ...options,
        start: { at: 'earliest' },
        onBatch: async (batch, context) => {
          watch.begin()
          const records = await options.onBatch(batch, context)
          watch.handled(records)
          return records
        },
      })
    },
  }
}

/** A count of the node's own, from its metrics. */
export async function metricOf(node: ForewarmNode, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
