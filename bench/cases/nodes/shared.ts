import { Redis } from 'ioredis'
import { mulberry32 } from '../../../src/simulate/mulberry32.ts'
import type { Figure } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import { median } from '../../harness/quantile.ts'
import type { Stage } from '../../stages/stage.ts'
import type { Fleet, FleetNode } from './fleet.ts'
import { value } from './freshness.ts'
import { catchUp } from './rates.ts'
import { callsOf } from './redis-commands.ts'

/** What an update takes of a node, of Redis and of Kafka. */
interface Costs {
  readonly cpuSeconds: number
  readonly kafkaBytes: number
  readonly redisEntries: number
  readonly redisCommands: number
  readonly redisBytes: number
  readonly redisCpuSeconds: number
}

const NAMES = ['one node', 'two nodes', 'three nodes'] as const

/**
 * Nodes of one group that catch up together. It is the same fleet each time: those that get no updates stand by. All of them,
 * Kafka and Redis share the cores of one machine, so what scales is the CPU time of an update, not their throughput.
 */
export async function shared(stage: Stage, fleet: Fleet): Promise<readonly Figure[]> {
  const { redisUrl } = await stage.backends()
  const redis = new Redis(redisUrl)
  const updates = stage.amount(400_000, 20_000)
  const random = mulberry32(4)
  const costs = NAMES.map((): Costs[] => [])
  const of = (count: number) => async (): Promise<number> => {
    const nodes = [fleet.owner, ...fleet.readers].slice(0, count)
    const ranks = [fleet.owned, ...fleet.others].slice(0, count).flat()
    const next = () => ranks[Math.floor(random() * ranks.length)] as number
    const before = await spent(nodes, redis)
    const perSecond = await catchUp(nodes, fleet.feed, { updates, next })
    costs[count - 1]?.push(perUpdate(before, await spent(nodes, redis), updates))
    return perSecond
  }
  try {
    const rates = await contest(stage, {
      ...{ unit: 'updates/s', better: 'higher', rounds: stage.amount(stage.runs, 1) },
      ...{ anchor: NAMES[0], measureAnchor: of(1) },
      ours: {
        [`updates a second of ${NAMES[1]}, one machine`]: of(2),
        [`updates a second of ${NAMES[2]}, one machine`]: of(3),
      },
    })
    const connections = await connectionsOf(stage, fleet.owner)
    // The first round has warmed up.
    return [...rates, ...connections, ...costs.flatMap((each, at) => [...figuresOf(NAMES[at] ?? '', each.slice(1))])]
  } finally {
    redis.disconnect()
  }
}

async function connectionsOf(stage: Stage, node: FleetNode): Promise<readonly Figure[]> {
  const { brokers, redisUrl } = await stage.backends()
  const ports = [brokers[0]?.split(':')[1], new URL(redisUrl).port].map(Number)
  const [kafka = 0, redis = 0] = await node.do('connections', ports)
  return [
    value('connections of a node to Kafka, one broker', '', kafka),
    value('connections of a node to Redis, which reads its own pairs', '', redis),
  ]
}

async function spent(nodes: readonly FleetNode[], redis: Redis): Promise<Costs> {
  const all = await Promise.all(nodes.map((node) => node.do('spent')))
  const info = await redis.info()
  const field = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1])
  const calls = await callsOf(redis)
  const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0)
  return {
    cpuSeconds: sum(all.map(({ cpuSeconds }) => cpuSeconds)),
    // Nodes read from Kafka and Redis alone.
    kafkaBytes: sum(all.map(({ readBytes }) => readBytes)) - field('total_net_output_bytes'),
    redisEntries: calls.get('set') ?? 0,
    redisCommands: calls.get('fcall') ?? 0,
    redisBytes: field('total_net_input_bytes'),
    redisCpuSeconds: field('used_cpu_user') + field('used_cpu_sys'),
  }
}

function perUpdate(before: Costs, after: Costs, updates: number): Costs {
  const each = (key: keyof Costs): number => (after[key] - before[key]) / updates
  return {
    cpuSeconds: each('cpuSeconds'),
    kafkaBytes: each('kafkaBytes'),
    redisEntries: each('redisEntries'),
    redisCommands: each('redisCommands'),
    redisBytes: each('redisBytes'),
    redisCpuSeconds: each('redisCpuSeconds'),
  }
}

function* figuresOf(name: string, costs: readonly Costs[]): Iterable<Figure> {
  const of = (figure: (each: Costs) => number): number => median(costs.map(figure))
  const million = 1_000_000
  yield value(
    `CPU time of a million updates, ${name}`,
    's',
    of(({ cpuSeconds }) => cpuSeconds * million),
  )
  yield value(
    `bytes from Kafka an update, ${name}`,
    'B',
    of(({ kafkaBytes }) => kafkaBytes),
  )
  yield value(
    `entries to Redis an update, ${name}`,
    '',
    of(({ redisEntries }) => redisEntries),
  )
  yield value(
    `entries of a call to Redis, ${name}`,
    '',
    of((each) => each.redisEntries / each.redisCommands),
  )
  yield value(
    `bytes to Redis an entry, ${name}`,
    'B',
    of((each) => each.redisBytes / each.redisEntries),
  )
  const ofRedis = of((each) => (each.redisCpuSeconds / each.redisEntries) * million)
  yield value(`CPU time of Redis, a million entries, ${name}`, 's', ofRedis)
}
