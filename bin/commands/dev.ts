import { setTimeout as pause } from 'node:timers/promises'
import { ensureLocalStack } from '../../deploy/stack/detached.ts'
import {
  type Broker,
  createKafkaBroker,
  createMemoryBroker,
  createNode,
  detector,
  type ForewarmNode,
  type NodeStats,
  PricePublisher,
} from '../../index.ts'
import { createMarket, type Market } from '../../src/simulate/market.ts'

export interface DevOptions {
  /** `local`: a real Kafka and a real Redis on this machine; in this process otherwise. */
  readonly stack?: 'local'
  /** Ends by itself after so many seconds. */
  readonly durationSeconds?: number
  readonly port?: number
  readonly json?: boolean
  readonly signal: AbortSignal
  readonly stdout: NodeJS.WriteStream
}

const TOPIC = 'prices.demo'
const PARTITIONS = 4
const UPDATES_PER_SECOND = 400
/** How often a slice of the market is sent, and the figures are drawn. */
const SLICE_MS = 10
const DRAW_MS = 250
/** After its pair moved, the demo's detector checks the pair's siblings so much later. */
const LOOK_AFTER_MS = 60
/** L1 holds one pair in twelve: as scarce as with many more pairs. */
const L1_SHARE = 1 / 12

/**
 * The whole pipeline at a glance: a simulated market through a broker into two nodes over the same topic, one that
 * warms and one that does not, each with the same detector; what the two see is drawn side by side.
 */
export async function runDev(options: DevOptions): Promise<void> {
  const market = createMarket({
    chains: ['ethereum', 'arbitrum', 'base', 'polygon'],
    groupsPerChain: 125,
    pairsPerGroup: 9,
    random: Math.random,
  })
  const stage = await openStage(options)
  const nodes: ForewarmNode[] = []
  try {
    const warmed = await stage.node(market, true)
    nodes.push(warmed)
    const unwarmed = await stage.node(market, false)
    nodes.push(unwarmed)
    await Promise.all(nodes.map((node) => node.start()))
    await play(options, { market, stage, warmed, unwarmed })
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
    await stage.close()
  }
}

interface Stage {
  readonly place: string
  readonly broker: Broker
  node(market: Market, warming: boolean): Promise<ForewarmNode>
  close(): Promise<void>
}

async function openStage(options: DevOptions): Promise<Stage> {
  const local = options.stack === 'local' ? await ensureLocalStack() : undefined
  const broker =
    local === undefined
      ? createMemoryBroker()
      : createKafkaBroker({ brokers: local.brokers, clientId: 'forewarm.demo' })
  const admin = broker.admin()
  await admin.connect()
  await admin.createTopics([{ topic: TOPIC, partitions: PARTITIONS }])
  await admin.close()
  return {
    place:
      local === undefined
        ? 'broker and L2 in this process'
        : `Kafka at ${local.brokers.join(', ')}, Redis at ${local.redisUrl}`,
    broker,
    close: () => broker.close(),
    node: (market, warming) =>
      createNode({
        broker,
        l2: local === undefined ? 'memory' : 'redis',
        profile: 'development',
        logLevel: 'warn',
        detectors: [siblingCheck(market)],
        config: {
          kafka: { priceTopics: [TOPIC] },
          node: {
            service: warming ? 'demo' : 'demo-unwarmed',
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
  const producer = stage.broker.producer()
  await producer.connect()
  const publisher = new PricePublisher({ producer, topic: TOPIC, partitions: PARTITIONS, updatesPerRecord: 10 })
  const startMs = performance.now()
  const endMs =
    options.durationSeconds === undefined ? Number.POSITIVE_INFINITY : startMs + options.durationSeconds * 1000
  const panel = new Panel(options, stage.place, warmed.httpPort)
  let sent = 0
  let drawnMs = startMs
  while (!options.signal.aborted && performance.now() < endMs) {
    const due = Math.floor(((performance.now() - startMs) / 1000) * UPDATES_PER_SECOND)
    for (; sent < due; sent++) publisher.produce(market.next(Date.now())).catch(() => undefined)
    if (performance.now() - drawnMs >= (options.stdout.isTTY ? DRAW_MS : DRAW_MS * 4)) {
      panel.draw(warmed.stats(), unwarmed.stats())
      drawnMs = performance.now()
    }
    await pause(SLICE_MS, undefined, { signal: options.signal }).catch(() => undefined)
  }
  panel.draw(warmed.stats(), unwarmed.stats())
  await publisher.close()
  await producer.close()
}

/** The figures since the last drawing, in place on a terminal, a line a second elsewhere. */
class Panel {
  readonly #options: DevOptions
  readonly #place: string
  readonly #httpPort: number | undefined
  #before: { readonly warmed: NodeStats; readonly unwarmed: NodeStats; readonly atMs: number } | undefined
  #drawnLines = 0

  constructor(options: DevOptions, place: string, httpPort: number | undefined) {
    this.#options = options
    this.#place = place
    this.#httpPort = httpPort
  }

  draw(warmed: NodeStats, unwarmed: NodeStats): void {
    const atMs = performance.now()
    const before = this.#before ?? { warmed, unwarmed, atMs: atMs - DRAW_MS }
    this.#before = { warmed, unwarmed, atMs }
    const figures = {
      updatesPerSecond: Math.round((warmed.updates - before.warmed.updates) / ((atMs - before.atMs) / 1000)),
      hitRatioWarmed: hitRatio(warmed, before.warmed),
      hitRatioUnwarmed: hitRatio(unwarmed, before.unwarmed),
      warmsPerSecond: Math.round(
        (warmed.warms.admitted - before.warmed.warms.admitted) / ((atMs - before.atMs) / 1000),
      ),
      warmsUsedShare: share(warmed.warms.used, warmed.warms.used + warmed.warms.unused),
      endToEndMsP50: rounded(warmed.endToEndMs.p50),
      endToEndMsP99: rounded(warmed.endToEndMs.p99),
    }
    const { stdout, json } = this.#options
    if (json) stdout.write(`${JSON.stringify(figures)}\n`)
    else if (stdout.isTTY) this.#redraw(this.#lines(figures, warmed))
    else
      stdout.write(
        `${figures.updatesPerSecond} updates/s · L1 hit ratio ${percent(figures.hitRatioWarmed)} warmed, ${percent(figures.hitRatioUnwarmed)} without · ${figures.warmsPerSecond} warms/s · end to end p50 ${figures.endToEndMsP50} ms, p99 ${figures.endToEndMsP99} ms\n`,
      )
  }

  #lines(figures: Readonly<Record<string, number>>, { l1, pairs }: NodeStats): readonly string[] {
    const row = (name: string, value: string) => `  ${name.padEnd(26)}${value}`
    return [
      `Forewarm · simulated market · ${this.#place}`,
      '',
      row('updates', `${figures.updatesPerSecond}/s over ${pairs} pairs, L1 holds ${l1.slots}`),
      row('L1 hit ratio, warmed', `${bar(figures.hitRatioWarmed)} ${percent(figures.hitRatioWarmed)}`),
      row('L1 hit ratio, without', `${bar(figures.hitRatioUnwarmed)} ${percent(figures.hitRatioUnwarmed)}`),
      row('warms', `${figures.warmsPerSecond}/s, ${percent(figures.warmsUsedShare)} read before they left`),
      row('end to end', `p50 ${figures.endToEndMsP50} ms, p99 ${figures.endToEndMsP99} ms`),
      row('metrics', this.#httpPort === undefined ? 'off' : `http://127.0.0.1:${this.#httpPort}/metrics`),
      '',
      '  Ctrl-C ends it.',
    ]
  }

  #redraw(lines: readonly string[]): void {
    const up = this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A` : ''
    this.#options.stdout.write(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join('')}`)
    this.#drawnLines = lines.length
  }
}

function hitRatio(now: NodeStats, before: NodeStats): number {
  const hits = now.reads.hits - before.reads.hits
  return share(hits, hits + now.reads.misses - before.reads.misses)
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function percent(value: number | undefined): string {
  return `${((value ?? 0) * 100).toFixed(1)} %`
}

function bar(value: number | undefined): string {
  const filled = Math.round((value ?? 0) * 30)
  return '█'.repeat(filled) + '░'.repeat(30 - filled)
}

function rounded(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.round(ms * 10) / 10
}
