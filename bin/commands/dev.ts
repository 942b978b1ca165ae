import { setTimeout as pause } from 'node:timers/promises'
import { ensureLocalStack } from '../../deploy/stack/detached.ts'
import {
  type Broker,
  createKafkaBroker,
  createMemoryBroker,
  createNode,
  createPricePublisher,
  detector,
  type ForewarmNode,
} from '../../index.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'
import { createMarket, type Market } from '../../src/simulate/traffic/market.ts'
import { DevPanel, type PanelOptions } from '../terminal/dev-panel.ts'
import { say, type Terminal } from '../terminal/terminal.ts'

export interface DevFlags {
  /** `local`: a real Kafka and Redis on this machine. Otherwise both are replaced by memory of this process. */
  readonly stack?: 'local'
  /** Ends after this many seconds. Default: never. */
  readonly duration?: number
  readonly port?: number
  readonly json?: boolean
}

/** The default PRICE_TOPICS does not match this name, so other nodes of the same Kafka ignore the topic. */
const TOPIC = 'demo.prices'
/** More would be slower: a consumer hands out one partition's batch at a time, and the detector holds each for a while. */
const PARTITIONS = 1
const UPDATES_PER_SECOND = 500
/** How often updates are sent. */
const SLICE_MS = 10
/** How often the figures are drawn on a terminal, and elsewhere. */
const REDRAW_MS = 250
const LINE_MS = 1_000
/** Bounds the memory of a run of days; a reader never lags this far behind. */
const RECORDS_KEPT = 20_000
/**
 * The detector reads a pair's siblings this long after the pair's update, which leaves time for a warm request through the
 * broker. Later updates of the partition wait for it: it is most of the time from an update to L1.
 */
const LOOK_AFTER_MS = { memory: 4, kafka: 22 }
/** L1 holds one pair in twelve, to be as scarce as it is with many more pairs. */
const L1_SHARE = 1 / 12

/**
 * Runs the whole pipeline: a simulated market publishes to one topic, which two nodes with the same detector read. One
 * of them warms; their figures are drawn side by side.
 */
export async function runDev(terminal: Terminal, flags: DevFlags): Promise<void> {
  const market = createMarket({
    chains: ['ethereum', 'arbitrum', 'base', 'polygon'],
    groupsPerChain: 90,
    pairsPerGroup: 9,
    random: Math.random,
  })
  const stage = await openStage(terminal, flags)
  // New groups: on a Kafka that stays, a run begins with its own market, not with what the last run left.
  const service = `demo-${Date.now()}`
  const nodes: ForewarmNode[] = []
  try {
    // A real Kafka takes a while to start; Ctrl-C may have come meanwhile.
    if (terminal.signal.aborted) return
    const warmed = await stage.node(market, { service, warming: true })
    nodes.push(warmed)
    const unwarmed = await stage.node(market, { service: `${service}-unwarmed`, warming: false })
    nodes.push(unwarmed)
    await Promise.all(nodes.map((node) => node.start()))
    await play({ terminal, flags, market, stage, warmed, unwarmed })
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
    await stage.close()
  }
}

interface Stage {
  readonly places: Pick<PanelOptions, 'broker' | 'l2' | 'lookAfterMs'>
  readonly broker: Broker
  node(market: Market, which: { readonly service: string; readonly warming: boolean }): Promise<ForewarmNode>
  close(): Promise<void>
}

async function openStage(terminal: Terminal, { stack, port }: DevFlags): Promise<Stage> {
  const report = (line: string) => say(terminal, `stack: ${line}`)
  const local = stack === 'local' ? await ensureLocalStack({ report }) : undefined
  const broker =
    local === undefined
      ? createMemoryBroker({ maxRecordsPerPartition: RECORDS_KEPT })
      : createKafkaBroker({ brokers: local.brokers, clientId: 'forewarm.demo' })
  const lookAfterMs = LOOK_AFTER_MS[local === undefined ? 'memory' : 'kafka']
  await withAdmin(broker, (admin) => admin.createTopics([{ topic: TOPIC, partitions: PARTITIONS }]))
  return {
    places:
      local === undefined
        ? { lookAfterMs, broker: 'in this process', l2: 'in this process' }
        : { lookAfterMs, broker: `Kafka at ${local.brokers.join(', ')}`, l2: `Redis at ${local.redisUrl}` },
    broker,
    close: async () => {
      await broker.close()
      if (local !== undefined) report('still running; `npm run -s stack -- stop` ends it')
    },
    node: (market, { service, warming }) =>
      createNode({
        broker,
        l2: local === undefined ? 'memory' : 'redis',
        profile: 'development',
        logLevel: 'warn',
        detectors: [siblingCheck(market, lookAfterMs)],
        config: {
          kafka: { priceTopics: [TOPIC] },
          node: {
            service,
            lookAhead: 'auto',
            roles: warming ? ['correlate', 'detect', 'warm', 'api'] : ['correlate', 'detect'],
          },
          warming: { enabled: warming },
          cache: {
            l1Slots: Math.round(market.pairCount * L1_SHARE),
            ...(local !== undefined && { redisUrls: [local.redisUrl] }),
          },
          ...(port !== undefined && { http: { port } }),
        },
      }),
  }
}

/** Reads the siblings of a pair a moment after its update. */
function siblingCheck(market: Market, lookAfterMs: number) {
  return detector('sibling-check', { topics: [TOPIC] }, async (update, prices) => {
    await pause(lookAfterMs)
    for (const sibling of market.siblings(update.pair)) prices.get(update.chain, sibling)
  })
}

interface Play {
  readonly terminal: Terminal
  readonly flags: DevFlags
  readonly market: Market
  readonly stage: Stage
  readonly warmed: ForewarmNode
  readonly unwarmed: ForewarmNode
}

async function play({ terminal, flags, market, stage, warmed, unwarmed }: Play): Promise<void> {
  const { duration = Number.POSITIVE_INFINITY, json = false } = flags
  const { signal, stdout } = terminal
  const producer = stage.broker.producer()
  await producer.connect()
  let notSent = 0
  const publisher = createPricePublisher({ producer, topic: TOPIC, partitions: PARTITIONS, updatesPerRecord: 10 })
  const counts = () => ({ warmed: warmed.stats(), unwarmed: unwarmed.stats(), notSent })
  const { httpPort } = warmed
  const panel = new DevPanel({ from: counts(), stdout, json, ...stage.places, httpPort })
  const startMs = performance.now()
  const endMs = startMs + duration * 1000
  let sent = 0
  let drawnMs = startMs
  while (!signal.aborted && performance.now() < endMs) {
    const due = Math.floor(((performance.now() - startMs) / 1000) * UPDATES_PER_SECOND)
    for (; sent < due; sent++) publisher.produce(market.next(Date.now())).catch(() => notSent++)
    if (performance.now() - drawnMs >= (stdout.isTTY && !json ? REDRAW_MS : LINE_MS)) {
      panel.draw(counts())
      drawnMs = performance.now()
    }
    await pause(SLICE_MS, undefined, { signal }).catch(() => undefined)
  }
  panel.end(counts())
  await publisher.close()
  await producer.close()
}
