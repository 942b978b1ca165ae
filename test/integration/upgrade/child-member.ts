import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { WarmAsk } from '../../../producers/warm-publisher.ts'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import type { Overrides } from '../../../src/config/settings.ts'
import type { Prices } from '../../../src/detect/prices.ts'
import type { NoReading, Reading } from '../../../src/detect/reading.ts'
import { monotonicMs } from '../../../src/monotonic.ts'
import type { Cache, PriceValue } from '../../../standalone/cache.ts'

/**
 * A node of any build, in a process of its own. It is told where the build lies and its settings, tells the price of each
 * update that its detector handles, and does what it is called for. It uses what the public API of all builds has.
 */
export interface PairName {
  readonly chain: string
  readonly pair: string
}

const [tree = '', given = ''] = process.argv.slice(2)
const config: Overrides = JSON.parse(given)
const build: typeof import('../../../index.ts') = await import(pathToFileURL(join(tree, 'index.ts')).href)

let prices: Prices | undefined
/** What was handled in this turn of the event loop. */
let handled: number[] = []
const detector = build.detector('member', {}, ({ chain, pair, price }, bound) => {
  prices = bound
  // Something to be learned.
  bound.get(chain, `${pair} too`)
  if (handled.push(price) === 1) setImmediate(tellHandled)
})

function tellHandled(): void {
  process.send?.({ handled })
  handled = []
}

const node = await build.createNode({ env: {}, logLevel: 'error', config, detectors: [detector] })
const broker = build.createKafkaBroker({ brokers: config.kafka?.brokers ?? [], clientId: 'member' })

/** A cache of this build for one act: what it tells is of Redis, as nothing is in its L1. */
async function withCache<T>(chain: string, act: (cache: Cache) => T | Promise<T>): Promise<T> {
  const env = {
    REDIS_URL: config.cache?.redisUrls?.[0],
    FOREWARM_SERVICE: config.node?.service,
    REDIS_COMMAND_TIMEOUT_MS: '5000',
  }
  const cache = await build.createCache({ chain, env, l1Slots: 100 })
  try {
    return await act(cache)
  } finally {
    await cache.close()
  }
}

const calls = {
  start: async () => {
    await node.start()
    return node.id
  },
  close: async () => {
    await node.close()
    await broker.close()
  },
  /** Reads each pair from L1, or from the levels below, one after the other. The moments are before the reads. */
  read: async (pairs: readonly PairName[]) => {
    const reads: { readonly atMs: number; readonly reading: Reading | NoReading }[] = []
    for (const { chain, pair } of pairs) {
      const atMs = monotonicMs()
      const first = prices?.get(chain, pair) ?? 'unknown'
      const reading = typeof first === 'string' ? await prices?.getOrLoad(chain, pair) : first
      reads.push({ atMs, reading: reading ?? 'unknown' })
    }
    return reads
  },
  has: async (chain: string, pair: string) => node.has(chain, pair),
  metrics: async () => (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text(),
  /** Publishes one record an update, as this build writes them. */
  publish: async (topic: string, encoding: 'json' | 'avro', updates: readonly PriceUpdate[]) => {
    const admin = broker.admin()
    const producer = broker.producer()
    await Promise.all([admin.connect(), producer.connect()])
    try {
      const partitions = (await admin.partitions(topic)) ?? 1
      const publisher = build.createPricePublisher({ producer, topic, partitions, encoding })
      await Promise.all(updates.map((update) => publisher.produce(update)))
      await publisher.close()
    } finally {
      await Promise.all([admin.close(), producer.close()])
    }
  },
  set: (chain: string, pair: string, value: PriceValue) => withCache(chain, (cache) => cache.set(pair, value)),
  load: (chain: string, pair: string) => withCache(chain, (cache) => cache.getOrLoad(pair)),
  remove: (chain: string, pair: string, eventTimeMs: number) =>
    withCache(chain, async (cache) => void (await cache.delete(pair, { eventTimeMs }))),
  patterns: async () => node.predictor.stats(),
  /** Sends a warm request by this build's publisher, and waits for the results. */
  ask: async (ask: WarmAsk) => {
    const publisher = await build.createWarmPublisher({ env: {}, config, broker })
    try {
      return await publisher.request(ask)
    } finally {
      await publisher.close()
    }
  },
}

export type Calls = typeof calls

export type FromMember =
  | { readonly handled: readonly number[] }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }

process.on('message', ({ id, name, args }: { id: number; name: keyof Calls; args: readonly never[] }) => {
  const call: (...args: readonly never[]) => Promise<unknown> = calls[name]
  call(...args).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  )
})
process.once('disconnect', () => process.exit())
