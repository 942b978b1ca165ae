import { readdir, readFile, readlink } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { attachPrices, createNode, detector, type Prices } from '../../../index.ts'
import { keyPrefix } from '../../../src/cache/l2/redis/keys.ts'
import { monotonicMs } from '../../../src/monotonic.ts'
import { chainOf, PROBES, pairOf } from './market.ts'
import { freshAt, readAll, type Sampling, sample } from './sampling.ts'

export interface FleetNodeTask {
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly topics: readonly string[]
  readonly service: string
}

/** Since the start of the process. */
export interface Spent {
  readonly cpuSeconds: number
  readonly readBytes: number
}

const L1_SLOTS = 16_384
/** Nodes are stopped while their partitions are filled. */
const SESSION_MS = 60_000

/** What a node can be told to do. Each gives one answer. */
export const ORDERS = {
  /** Resolves when the node reads. */
  start: () => node.start(),
  sample: (task: Sampling) => sample(handle(), attachPrices(node.sharedPrices), task),
  /** Reads all pairs all the time, until none is behind at a moment after `fromMs`. Resolves to that moment. */
  freshAt: (task: { readonly ranks: readonly number[]; readonly fromMs: number }) => freshAt(handle(), task),
  /** Reads a second, by the node's prices, or by a GET for each: one after the other, or all pairs at a time. */
  readAll: (task: Sampling) => readAll(handle(), task),
  getEach: (task: Sampling) =>
    got(task, async (redis, keys) => {
      for (const key of keys) await redis.getBuffer(key)
    }),
  // ioredis sends what is asked in one step together.
  getTogether: (task: Sampling) =>
    got(task, async (redis, keys) => {
      await Promise.all(keys.map((key) => redis.getBuffer(key)))
    }),
  /** For each update that was handled since the last call its number, then the moment. */
  handled: async () => {
    const all = handled
    handled = []
    return all
  },
  /** Open connections to these ports; 0 where the system does not tell. */
  connections: async (ports: readonly number[]) => {
    const inodes = new Set(
      await Promise.all((await listed('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''))),
    )
    const tables = await Promise.all(
      ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
    )
    const rows = tables.flatMap((table) => table.split('\n')).map((line) => line.trim().split(/\s+/))
    return ports.map((port) => rows.filter((row) => portOf(row[2]) === port && inodes.has(`socket:[${row[9]}]`)).length)
  },
  spent: async (): Promise<Spent> => {
    const { user, system } = process.cpuUsage()
    // Linux counts what comes in over sockets, too.
    const io = await readFile('/proc/self/io', 'utf8').catch(() => '')
    return { cpuSeconds: (user + system) / 1e6, readBytes: Number(/^rchar: (\d+)/m.exec(io)?.[1]) }
  },
}

export type Orders = typeof ORDERS
export interface Order {
  readonly id: number
  readonly name: keyof Orders
  readonly task: unknown
}
/** An answer, or the news that a probe was handled. */
export type Told = { readonly id: number; readonly answer: unknown } | { readonly probe: string }

const { brokers, redisUrl, topics, service }: FleetNodeTask = JSON.parse(process.argv[2] ?? '')
let handled: number[] = []
let bound: Prices | undefined

const node = await createNode({
  detectors: [
    detector('ledger', {}, ({ chain, pair, sequence = 0 }, prices) => {
      if (chain !== PROBES) handled.push(sequence, monotonicMs())
      else {
        bound = prices
        tell({ probe: pair })
      }
    }),
  ],
  env: {},
  logLevel: 'error',
  config: {
    kafka: { brokers, priceTopics: topics, sessionTimeoutMs: SESSION_MS },
    node: { service },
    warming: { rollout: 'full' },
    cache: { redisUrls: [redisUrl], l1Slots: L1_SLOTS },
    http: { port: 0 },
  },
})

function listed(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => [])
}

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16)
}

function tell(told: Told): void {
  process.send?.(told)
}

function handle(): Prices {
  if (bound === undefined) throw new Error('no probe has come here')
  return bound
}

/** Gets a second, if `round` gets every key once. */
async function got(
  { ranks, forMs }: Sampling,
  round: (redis: Redis, keys: readonly string[]) => Promise<void>,
): Promise<number> {
  const redis = new Redis(redisUrl)
  const keys = ranks.map((rank) => `${keyPrefix(service)}{${chainOf(rank)}}:${pairOf(rank)}`)
  let gets = 0
  await redis.ping()
  const startMs = performance.now()
  for (; performance.now() - startMs < forMs; gets += keys.length) await round(redis, keys)
  const perSecond = (gets * 1000) / (performance.now() - startMs)
  redis.disconnect()
  return perSecond
}

process.on('message', ({ id, name, task }: Order) => {
  const order = ORDERS[name] as (task: unknown) => Promise<unknown>
  void order(task).then((answer) => tell({ id, answer }))
})
process.once('SIGTERM', () => {
  void node.close().then(() => process.exit())
})
tell({ id: 0, answer: undefined })
