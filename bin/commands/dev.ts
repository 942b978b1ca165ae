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
import { DevPanel, type Places } from '../terminal/dev-panel.ts'
import { say, type Terminal } from '../terminal/terminal.ts'

export interface DevOptions {
  /** `local`: a real Kafka and a real Redis on this machine; in this process otherwise. */
  readonly stack?: 'local'
  /** Ends by itself after so many seconds. */
  readonly durationSeconds?: number
  readonly port?: number
  readonly json?: boolean
  readonly terminal: Terminal
}

/** No name that the default PRICE_TOPICS matches: on a Kafka that stays, other nodes leave it alone. */
const TOPIC = 'demo.prices'
/** A consumer hands out a batch of one partition at a time, and the demo's detector holds each for a while. */
const PARTITIONS = 1
const UPDATES_PER_SECOND = 500
/** How often a slice of the market is sent. */
const SLICE_MS = 10
/** How often the figures are drawn: in place on a terminal, as lines elsewhere. */
const REDRAW_MS = 250
const LINE_MS = 1_000
/** The demo's topics only have to reach as far back as a reader may lag; it may run for days. */
const RECORDS_KEPT = 20_000
/** After its pair moved, the demo's detector checks the pair's siblings so much later: in time for a warm request. */
const LOOK_AFTER_MS = 22
/** L1 holds one pair in twelve: as scarce as with many more pairs. */
const L1_SHARE = 1 / 12

/**
 * The whole pipeline at a glance: a simulated market through a broker into two nodes over the same topic, one that
 * warms and one that does not, each with the same detector; what the two see is drawn side by side.
 */
export async function runDev(options: DevOptions): Promise<void> {
  const market = createMarket({
    chains: ['ethereum', 'arbitrum', 'base', 'polygon'],
    groupsPerChain: 90,
    pairsPerGroup: 9,
    random: Math.random,
  })
  const stage = await openStage(options)
  // Groups of their own: a run on a Kafka that stays begins with the market of now, not with what the last run left.
  const service = `demo-${Date.now()}`
  const nodes: ForewarmNode[] = []
  try {
    // A real Kafka takes a while to start, and somebody may have had enough meanwhile.
    if (options.terminal.signal.aborted) return
    const warmed = await stage.node(market, { service, warming: true })
    nodes.push(warmed)
    const unwarmed = await stage.node(market, { service: `${service}-unwarmed`, warming: false })
    nodes.push(unwarmed)
    await Promise.all(nodes.map((node) => node.start()))
    await play(options, { market, stage, warmed, unwarmed })
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
    await stage.close()
  }
}

interface Stage {
  readonly places: Places
  readonly broker: Broker
  node(market: Market, which: { readonly service: string; readonly warming: boolean }): Promise<ForewarmNode>
  close(): Promise<void>
}

async function openStage(options: DevOptions): Promise<Stage> {
  const report = (line: string) => say(options.terminal, `stack: ${line}`)
  const local = options.stack === 'local' ? await ensureLocalStack({ report }) : undefined
  const broker =
    local === undefined
      ? createMemoryBroker({ maxRecordsPerPartition: RECORDS_KEPT })
      : createKafkaBroker({ brokers: local.brokers, clientId: 'forewarm.demo' })
  await withAdmin(broker, (admin) => admin.createTopics([{ topic: TOPIC, partitions: PARTITIONS }]))
  return {
    places:
      local === undefined
        ? { broker: 'in this process', l2: 'in this process' }
        : { broker: `Kafka at ${local.brokers.join(', ')}`, l2: `Redis at ${local.redisUrl}` },
    broker,
    close: async () => {
      await broker.close()
      if (local !== undefined) report('it goes on: `npm run -s stack -- stop` ends it')
    },
    node: (market, { service, warming }) =>
      createNode({
        broker,
        l2: local === undefined ? 'memory' : 'redis',
        profile: 'development',
        logLevel: 'warn',
        detectors: [siblingCheck(market)],
        config: {
          kafka: { priceTopics: [TOPIC] },
          node: {
            service,
            roles: warming ? ['correlate', 'detect', 'warm', 'api'] : ['correlate', 'detect'],
          },
          warming: { enabled: warming },
          cache: {
            l1Slots: Math.round(market.pairCount * L1_SHARE),
            ...(local !== undefined && { redisUrls: [local.redisUrl] }),
          },
          ...(options.port !== undefined && { http: { port: options.port } }),
        },
      }),
  }
}

/** Looks at what moves together with the pair that moved, a moment after. */
function siblingCheck(market: Market) {
  return detector('sibling-check', { topics: [TOPIC] }, async (update, prices) => {
    await pause(LOOK_AFTER_MS)
    for (const sibling of market.siblings(update.pair)) prices.get(update.chain, sibling)
  })
}

interface Play {
  readonly market: Market
  readonly stage: Stage
  readonly warmed: ForewarmNode
  readonly unwarmed: ForewarmNode
}

async function play(options: DevOptions, { market, stage, warmed, unwarmed }: Play): Promise<void> {
  const { durationSeconds = Number.POSITIVE_INFINITY, json = false } = options
  const { signal, stdout } = options.terminal
  const producer = stage.broker.producer()
  await producer.connect()
  let notSent = 0
  const publisher = createPricePublisher({ producer, topic: TOPIC, partitions: PARTITIONS, updatesPerRecord: 10 })
  const { places } = stage
  const counts = () => ({ warmed: warmed.stats(), unwarmed: unwarmed.stats(), notSent })
  const { httpPort } = warmed
  const panel = new DevPanel({ from: counts(), stdout, json, places, httpPort, lookAfterMs: LOOK_AFTER_MS })
  const startMs = performance.now()
  const endMs = startMs + durationSeconds * 1000
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
