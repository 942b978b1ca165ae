import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../../src/broker/memory/broker.ts'
import { slotOfKey } from '../../../src/cache/l2/redis/slot.ts'
import { detector } from '../../../src/detect/detector.ts'
import { type Part, RedisHashes, SHARES } from '../../../src/patterns/day-hashes.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { startRedisCluster, type TestCluster } from '../../harness/redis-cluster.ts'
import { until } from '../../harness/until.ts'
import { onStage, updateOf } from '../../node/stage.ts'

const PARTS = Array.from({ length: SHARES }, (_, share) => ({ day: 20_000, share }))
const FAR_MS = Date.now() + 3_600_000

let cluster: TestCluster
const opened: RedisHashes[] = []

beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterEach(() => {
  for (const hashes of opened.splice(0)) hashes.close()
})
afterAll(() => cluster?.stop())

const keyOf = (service: string, { day, share }: Part) => `fw:${service}:{patterns-${day}-${share}}`

async function open(service: string, urls = cluster.urls): Promise<RedisHashes> {
  const hashes = new RedisHashes({ urls, service })
  opened.push(hashes)
  expect(await hashes.open()).toEqual({ ok: true, value: undefined })
  return hashes
}

test('the keys of shared patterns are spread over the masters of a cluster, and each command has one', async () => {
  const service = uniqueName('patterns')
  const hashes = await open(service)
  for (const part of PARTS)
    for (const entry of ['a', 'b'])
      expect(
        await hashes.write(part, entry, { value: Buffer.from(`${part.share} ${entry}`), untilMs: FAR_MS }),
      ).toEqual({
        ok: true,
        value: undefined,
      })
  const other = await open(service, cluster.urls.slice(1))
  for (const part of PARTS) {
    expect(await other.entries(part)).toEqual({ ok: true, value: ['a', 'b'] })
    expect(await other.read(part, 'b')).toEqual({ ok: true, value: Buffer.from(`${part.share} b`) })
    expect(await other.read(part, 'c')).toEqual({ ok: true, value: undefined })
    const merge = { from: ['a', 'b'], to: 'ab', value: Buffer.from('both'), untilMs: FAR_MS }
    expect(await other.merge(part, merge)).toEqual({ ok: true, value: true })
    expect(await hashes.merge(part, merge)).toEqual({ ok: true, value: false })
    expect(await hashes.entries(part)).toEqual({ ok: true, value: ['ab'] })
  }
  const masters = new Set(PARTS.map((part) => Math.floor(slotOfKey(keyOf(service, part)) / (16_384 / 3))))
  expect(masters.size).toBe(3)
})

test('a user of a cluster needs the listed rights and no others', async () => {
  const rights = ['+hkeys', '+hget', '+hset', '+pexpireat', '+cluster|slots', '+eval', '+hexists', '+hdel']
  for (const master of [0, 1, 2])
    await cluster.raw(master).call('ACL', 'SETUSER', 'few', 'on', '>secret', '~fw:*', ...rights)
  const urls = cluster.urls.slice(0, 3).map((each) => each.replace('://', '://few:secret@'))
  const hashes = await open(uniqueName('patterns'), urls)
  for (const part of PARTS) {
    await hashes.write(part, 'a', { value: Buffer.from('1'), untilMs: FAR_MS })
    expect(await hashes.read(part, 'a')).toEqual({ ok: true, value: Buffer.from('1') })
    const merge = { from: ['a'], to: 'b', value: Buffer.from('2'), untilMs: FAR_MS }
    expect(await hashes.merge(part, merge)).toEqual({ ok: true, value: true })
    expect(await hashes.entries(part)).toEqual({ ok: true, value: ['b'] })
  }
})

test('nodes over a cluster share their patterns', async () => {
  const clock = { now: () => Math.floor(FAR_MS / 86_400_000) * 86_400_000 + 3_600_000 / 2 }
  await onStage({ broker: createMemoryBroker(), redisUrl: cluster.urls[0] ?? '' }, async (stage) => {
    const options = {
      detectors: [detector('reader', {}, (_, prices) => void prices.get('ethereum', 'READ'))],
      clock,
      config: { prediction: { store: 'redis' }, cache: { redisUrls: [...cluster.urls] } },
    }
    const first = await stage.startNode(options)
    await stage.produce(updateOf('A', { eventTimeMs: clock.now() }))
    await until('the update is handled', () => first.stats().updates === 1)
    await first.close()
    const second = await stage.startNode(options)
    await until('it recommends', () => second.predictor.recommendations()[0]?.pair === 'READ')
  })
})

test('a master that is away is told as the reason, and the patterns are there again when it is back', async () => {
  const service = uniqueName('patterns')
  const hashes = await open(service)
  // The first master has a replica, which would take its place.
  const part = PARTS.find((each) => slotOfKey(keyOf(service, each)) > (16_384 / 3) * 2) as Part
  await hashes.write(part, 'a', { value: Buffer.from('1'), untilMs: FAR_MS })
  await cluster.pause(2)
  expect(await hashes.read(part, 'a')).toEqual({ ok: false, reason: expect.any(String) })
  cluster.resume(2)
  await cluster.settled()
  await until('it is read', async () => {
    const again = await open(service)
    return (await again.read(part, 'a')).ok
  })
})
