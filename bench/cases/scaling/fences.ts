import type { Redis } from 'ioredis'
import type { L2, StampOf } from '../../../src/cache/l2/l2.ts'
import { PairKeys } from '../../../src/cache/l2/redis/keys.ts'
import { StampTimes } from '../../../src/cache/l2/redis/stamp-times.ts'
import { sourceName } from '../../../src/cache/sources/codes.ts'
import type { Figure, Value } from '../../harness/bench.ts'
import { openL2 } from '../../stages/l2-stage.ts'
import type { Stage } from '../../stages/stage.ts'

const NODES = 50
/** That of the stage. */
const SERVICE = 'default'

interface Used {
  readonly redisUs: number
  readonly nodeUs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/**
 * What it costs to tell other nodes how fresh prices are. An owner stamps each of its partitions. A node that reads pairs of
 * others fetches all stamps, and then a PONG.
 */
export async function* fences(stage: Stage): AsyncIterable<Figure> {
  const { redisUrl, emptyRedis } = await stage.backends()
  await emptyRedis()
  for (const sources of stage.quick ? [600] : [600, 10_000]) {
    const { l2, redis, table, close } = await openL2(redisUrl)
    try {
      const [hash] = new PairKeys(table, SERVICE).stampsOf(undefined)
      yield* costs(stage, { l2, redis, hash, sources })
    } finally {
      await close()
    }
  }
}

interface Market {
  readonly l2: L2
  readonly redis: Redis
  readonly hash: string
  readonly sources: number
}

async function* costs(stage: Stage, { l2, redis, hash, sources }: Market): AsyncIterable<Figure> {
  const names = Array.from({ length: sources }, (_, partition) => sourceName({ topic: 'prices.market', partition }))
  const each = sources / NODES
  const stamps = (node: number): StampOf[] =>
    names.slice(node * each, (node + 1) * each).map((name) => ({ name, ageMs: () => 5 }))
  const stampAll = async (): Promise<void> => {
    for (let node = 0; node < NODES; node++) await l2.stamp?.(stamps(node))
  }
  await stampAll()
  const rounds = stage.amount(20, 2)
  const stamped = await used(redis, rounds * NODES, async () => {
    for (let round = 0; round < rounds; round++) await stampAll()
  })
  const at = `${NODES} nodes, ${sources.toLocaleString('en')} partitions`
  yield figure(`Redis's CPU time of a node's stamps, ${at}`, 'µs', stamped.redisUs)
  yield figure(`bytes to Redis of a node's stamps, ${at}`, 'B', stamped.bytesIn)
  const reads = stage.amount(2_000, 100)
  const fenced = await used(redis, reads, async () => {
    for (let read = 0; read < reads; read++) await fence(redis, hash)
  })
  yield figure(`Redis's CPU time of a fence, ${at}`, 'µs', fenced.redisUs)
  yield figure(`a node's CPU time of a fence, ${at}`, 'µs', fenced.nodeUs)
  yield figure(`bytes from Redis of a fence, ${at}`, 'B', fenced.bytesOut)
}

/** As a reader has it between two stamps of all nodes: each text is new. */
async function fence(redis: Redis, hash: string): Promise<void> {
  const sentAtMs = performance.now()
  const replies = await redis.pipeline().time().hgetall(hash).exec()
  const fields = replies?.[1]?.[1]
  const moments = new StampTimes().of(0, fields, { redisMs: Number.MAX_SAFE_INTEGER, sentAtMs })
  if (moments.size === 0) throw new Error('there are no stamps')
  await redis.ping()
}

async function used(redis: Redis, count: number, work: () => Promise<void>): Promise<Used> {
  const redisBefore = await infoOf(redis)
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  const redisAfter = await infoOf(redis)
  const differ = (field: string): number => redisAfter(field) - redisBefore(field)
  return {
    redisUs: ((differ('used_cpu_user') + differ('used_cpu_sys')) * 1e6) / count,
    nodeUs: (user + system) / count,
    bytesIn: differ('total_net_input_bytes') / count,
    bytesOut: differ('total_net_output_bytes') / count,
  }
}

async function infoOf(redis: Redis): Promise<(field: string) => number> {
  const info = await redis.info()
  return (field) => Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(info)?.[1])
}

function figure(name: string, unit: string, value: number): Value {
  return { kind: 'value', case: name, unit, value }
}
