import type { ChildProcess } from 'node:child_process'
import { crc32 } from 'node:zlib'
import { afterEach, describe, expect, test } from '@jest/globals'
import { parseWarmResult } from '../../../schemas/warm-result.ts'
import { detector } from '../../../src/detect/detector.ts'
import { until } from '../../harness/until.ts'
import { onKafka } from '../../node/kafka-stage.ts'
import { updateOf } from '../../node/stage.ts'
import { type FleetOptions, onFleet, startChild } from './fleet.ts'
import { probe } from './readers.ts'

const PARTITIONS = 4
/** One in each partition by librdkafka's default partitioner. */
const CHAINS = Array.from({ length: PARTITIONS }, (_, partition) => {
  for (let number = 0; ; number++) if (crc32(`chain-${number}`) % PARTITIONS === partition) return `chain-${number}`
})
const PAIRS = Array.from({ length: 24 }, (_, at) => ({ chain: CHAINS[at % PARTITIONS] as string, pair: `P${at}` }))
const nameOf = (pair: number) => PAIRS[pair] ?? { chain: '', pair: '' }

let child: ChildProcess | undefined

afterEach(() => {
  child?.kill('SIGKILL')
})

/** Each topic has pairs of all chains; within a topic they go where the key's hash says. */
const byHash =
  (keyOf: (pair: number) => string): FleetOptions['placeOf'] =>
  (all) =>
  (pair) => {
    const topics = [...new Set(all.map(({ topic }) => topic))]
    const places = all.filter(({ topic }) => topic === topics[pair % topics.length])
    const key = keyOf(pair)
    return { ...(places[crc32(key) % places.length] ?? { topic: '', partition: 0 }), key }
  }

const BY_PAIR = byHash((pair) => nameOf(pair).pair)

describe('two nodes of a service read every pair fresh, whoever gets its updates, and no bound is too small', () => {
  test.each<readonly [how: string, topics: readonly number[], placeOf: FleetOptions['placeOf']]>([
    ['keyed by chain', [PARTITIONS], byHash((pair) => nameOf(pair).chain)],
    ['keyed by pair', [PARTITIONS], BY_PAIR],
    [
      'without keys, round robin',
      [PARTITIONS],
      (all) => (_, update) => all[update % all.length] ?? { topic: '', partition: 0 },
    ],
    ['one topic a symbol', PAIRS.map(() => 1), BY_PAIR],
    ['topics of different partition counts', [3, 2, 1], BY_PAIR],
  ])('if the feed is %s', async (_, topics, placeOf) => {
    await onFleet({ topics, pairs: PAIRS, placeOf }, async (fleet) => {
      await fleet.market.open()
      await fleet.isFresh('both nodes read every pair fresh')
      await fleet.hasRead(fleet.market.updates)
      expect(fleet.market.contradictions).toEqual([])
    })
  })

  test('while a topic grows and pairs move between its partitions', async () => {
    await onFleet({ topics: [2], pairs: PAIRS, placeOf: BY_PAIR }, async (fleet) => {
      const [topic = ''] = fleet.topics
      await fleet.market.open()
      await fleet.isFresh('both nodes read every pair fresh')
      await fleet.stage.admin.growTopic(topic, 5)
      fleet.market.placeOf = BY_PAIR(Array.from({ length: 5 }, (_, partition) => ({ topic, partition })))
      await fleet.hasRead(fleet.market.updates)
      await fleet.isFresh('every pair is fresh again')
      expect(fleet.market.contradictions).toEqual([])
    })
  })

  test('while the owner of some is killed, and then taken over', async () => {
    const options = { topics: [PARTITIONS], pairs: PAIRS, placeOf: BY_PAIR }
    await onFleet(
      options,
      async (fleet) => {
        const [reader] = fleet.readers
        if (reader === undefined) throw new Error('there is no reader')
        child = await startChild(fleet)
        const probed = async () => {
          reader.probes.clear()
          await probe(fleet.stage, fleet.all)
          await until('some probe is handled', () => reader.probes.size > 0)
          return reader.probes.size
        }
        await until('the two nodes share the partitions', async () => (await probed()) === PARTITIONS / 2)
        await fleet.market.open()
        await fleet.isFresh('the pairs of the other node are fresh', [reader])
        child.kill('SIGKILL')
        await fleet.hasRead(fleet.market.updates, [reader])
        await fleet.isFresh('all pairs are fresh again', [reader])
        expect(fleet.market.contradictions).toEqual([])
      },
      1,
    )
  })
})

test('a pair whose updates another node gets is warmed where a detector is about to read it', async () => {
  await onKafka({ partitions: 2 }, async (stage) => {
    const [chain, leader, follower] = ['c', 'LEADER', 'FOLLOWER']
    const produce = (partition: number, pair: string, rest: object = {}) =>
      stage.produceRecords({ partition, key: pair, value: JSON.stringify({ ...updateOf(pair, { chain }), ...rest }) })
    const gets = { [leader]: '', [follower]: '' }
    const found: string[] = []
    const nodes = [0, 1].map((_, at) =>
      stage.node({
        detectors: [
          detector('reader', {}, async ({ pair }, prices) => {
            gets[pair] = `${at}`
            if (pair.startsWith('FILL')) await prices.getOrLoad(chain, pair)
            if (pair !== leader) return
            const dueMs = performance.now() + 100
            await until('the follower is due', () => performance.now() >= dueMs)
            const reading = prices.get(chain, follower)
            found.push(typeof reading === 'string' ? reading : 'found')
          }),
        ],
        config: { cache: { l1Slots: 10 }, node: { lookAhead: 'off' }, warming: { controlShare: 0 } },
      }),
    )
    const started = await Promise.all(nodes)
    await Promise.all(started.map((node) => node.start()))
    await until('each node gets one of the two', async () => {
      await Promise.all([produce(0, leader), produce(1, follower)])
      await until('both were handled', () => gets[leader] !== '' && gets[follower] !== '')
      return gets[leader] !== gets[follower]
    })
    const results = await stage.watch(stage.topics.warmResults)
    const reader = started[Number(gets[leader])]
    await until('the follower is warmed before it is read', async () => {
      for (let fill = 0; fill < 40; fill++) await produce(0, `FILL-${fill}`)
      await until('the follower is pushed out', () => reader?.has(chain, follower) === false)
      const count = found.length
      await produce(0, leader)
      await until('it is read', () => found.length > count)
      return found.at(-1) === 'found'
    })
    const warmed = results.flatMap(({ value }) => {
      const parsed = parseWarmResult(value ?? Buffer.alloc(0))
      return parsed.ok ? [parsed.value] : []
    })
    expect(warmed).toContainEqual(expect.objectContaining({ node: reader?.id, outcomes: { [follower]: 'warmed' } }))
    expect(reader?.stats().warms.used).toBeGreaterThan(0)
  })
})
