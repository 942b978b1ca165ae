import type { ChildProcess } from 'node:child_process'
import { crc32 } from 'node:zlib'
import { afterEach, describe, expect, test } from '@jest/globals'
import { until } from '../../harness/until.ts'
import { type FleetOptions, onFleet, startChild } from './fleet.ts'
import { probe } from './readers.ts'

const PARTITIONS = 4
/** One in each partition by librdkafka's default partitioner. */
const CHAINS = Array.from({ length: PARTITIONS }, (_, partition) => {
  for (let number = 0; ; number++) if (crc32(`chain-${number}`) % PARTITIONS === partition) return `chain-${number}`
})
const PAIRS = Array.from({ length: 24 }, (_, at) => ({ chain: CHAINS[at % PARTITIONS] as string, pair: `P${at}` }))
const NOWHERE = { topic: '', partition: 0 }
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
    return { ...(places[crc32(key) % places.length] ?? NOWHERE), key }
  }

const BY_PAIR = byHash((pair) => nameOf(pair).pair)

describe('two nodes of a service read every pair fresh, whoever gets its updates, and no bound is too small', () => {
  test.each<readonly [how: string, topics: readonly number[], placeOf: FleetOptions['placeOf']]>([
    ['keyed by chain', [PARTITIONS], byHash((pair) => nameOf(pair).chain)],
    ['keyed by pair', [PARTITIONS], BY_PAIR],
    ['without keys, round robin', [PARTITIONS], (all) => (_, update) => all[update % all.length] ?? NOWHERE],
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

  test('if updates of a pair come from two topics, as soon as Redis has told the nodes', async () => {
    const inTurn: FleetOptions['placeOf'] = (all) => (pair, update) => ({
      ...(all[update % all.length] ?? NOWHERE),
      key: nameOf(pair).pair,
    })
    await onFleet({ topics: [1, 1], pairs: PAIRS, placeOf: inTurn }, async (fleet) => {
      await fleet.market.open()
      await fleet.isFresh('both nodes read every pair fresh')
      const { contradictions } = fleet.market
      contradictions.length = 0
      await fleet.hasRead(fleet.market.updates)
      await fleet.isFresh('both nodes still do')
      expect(contradictions).toEqual([])
    })
  })

  test('while a topic grows and pairs move between its partitions', async () => {
    await onFleet({ topics: [2], pairs: PAIRS, placeOf: BY_PAIR }, async (fleet) => {
      const [topic = ''] = fleet.topics
      await fleet.market.open()
      await fleet.isFresh('both nodes read every pair fresh')
      await fleet.stage.admin.growTopic(topic, 5)
      await fleet.knowsSources(5 + 2)
      fleet.market.placeOf = BY_PAIR(Array.from({ length: 5 }, (_, partition) => ({ topic, partition })))
      await fleet.hasRead(fleet.market.updates)
      await fleet.isFresh('every pair is fresh again')
      expect(fleet.market.contradictions).toEqual([])
    })
  })

  test('after a topic was made again with fewer partitions, and then with more', async () => {
    await onFleet({ topics: [PARTITIONS], pairs: PAIRS, placeOf: BY_PAIR }, async (fleet) => {
      const [topic = ''] = fleet.topics
      const { market, stage } = fleet
      await market.open()
      await fleet.isFresh('both nodes read every pair fresh')
      for (const partitions of [2, 5]) {
        await market.pause()
        await stage.admin.deleteTopics([topic])
        await until('the topic is gone', async () => (await stage.admin.partitions(topic)) === undefined)
        await stage.admin.createTopics([{ topic, partitions }])
        market.placeOf = BY_PAIR(Array.from({ length: partitions }, (_, partition) => ({ topic, partition })))
        const before = market.updates
        await market.open()
        await fleet.hasRead(before)
        await fleet.isFresh(`every pair is fresh in ${partitions} partitions`)
      }
      expect(market.contradictions).toEqual([])
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
