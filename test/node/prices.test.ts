import { expect, test } from '@jest/globals'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { pairKey } from '../../schemas/topics.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import type { Reading } from '../../src/detect/reading.ts'
import { until } from '../harness/until.ts'
import { onStage, updateOf } from './stage.ts'

const inMemory = () => ({ broker: createMemoryBroker() })

/** L1 holds only two pairs, so the others are only in L2. */
const SMALL_L1 = { cache: { l1Slots: 2 }, warming: { enabled: false } }

test('a detector is called with each update of its topics and chains, in order', async () => {
  await onStage(inMemory(), async (stage) => {
    const handled: PriceUpdate[] = []
    const ethereum = detector('ethereum', { topics: [stage.topic], chains: ['ethereum'] }, (update) => {
      handled.push(update)
    })
    const elsewhere = detector('elsewhere', { topics: ['prices.other'] }, () => {
      throw new Error('never called')
    })
    await stage.startNode({ detectors: [elsewhere, ethereum] })
    const first = updateOf('A', { price: 1, bid: 0.5, sequence: 7, group: 'majors' })
    const second = updateOf('A', { price: 2 })
    await stage.produce(first, updateOf('A', { chain: 'base' }), second)
    await until('both are handled', () => handled.length >= 2)
    expect(handled).toEqual([first, second])
  })
})

test('a frame of many updates and an Avro record are handled like single JSON updates', async () => {
  await onStage(inMemory(), async (stage) => {
    const handled: PriceUpdate[] = []
    await stage.startNode({ detectors: [detector('all', {}, (update) => void handled.push(update))] })
    const frame = [updateOf('A', { price: 1 }), updateOf('B', { price: 2 })]
    const avro = [updateOf('A', { price: 3 }), updateOf('C', { price: 4 })]
    await stage.produceRecords(
      { partition: 0, key: 'ethereum', value: JSON.stringify(frame) },
      { partition: 0, key: 'ethereum', value: encodePriceAvro(avro) },
    )
    await until('all are handled', () => handled.length >= 4)
    expect(handled).toEqual([...frame, ...avro])
  })
})

test('a detector reads another pair with its price, age and version', async () => {
  await onStage(inMemory(), async (stage) => {
    const readings: unknown[] = []
    const reader = detector('reader', {}, (update, prices) => {
      if (update.pair === 'B') readings.push(prices.get('ethereum', 'A'), prices.get('ethereum', 'Z'))
    })
    await stage.startNode({ detectors: [reader] })
    const a = updateOf('A', { price: 3, ask: 4, eventTimeMs: Date.now() - 10_000 })
    await stage.produce(a, updateOf('B'))
    await until('A and Z are read', () => readings.length === 2)
    const [reading, absent] = readings as [Reading, string]
    expect(reading).toMatchObject({ pair: 'A', chain: 'ethereum', price: 3, ask: 4, eventTimeMs: a.eventTimeMs })
    expect(reading.bid).toBeUndefined()
    expect(reading.version).toBe(a.eventTimeMs * 4096)
    expect(reading.ageMs).toBeGreaterThanOrEqual(10_000)
    expect(absent).toBe('unknown')
  })
})

test('a price older than the reader accepts is stale', async () => {
  await onStage(inMemory(), async (stage) => {
    const readings: unknown[] = []
    const reader = detector('reader', {}, async (update, prices) => {
      if (update.pair !== 'B') return
      readings.push(prices.get('ethereum', 'A', { maxAgeMs: 500 }))
      readings.push(await prices.getOrLoad('ethereum', 'A', { maxAgeMs: 500 }))
      readings.push(await prices.getOrLoad('ethereum', 'A', { maxAgeMs: 60_000 }))
    })
    await stage.startNode({ detectors: [reader] })
    await stage.produce(updateOf('A', { eventTimeMs: Date.now() - 10_000 }), updateOf('B'))
    await until('A was read three times', () => readings.length === 3)
    expect(readings).toMatchObject(['stale', 'stale', { price: 1 }])
  })
})

test('getOrLoad and getMany load from L2 what L1 lacks', async () => {
  await onStage(inMemory(), async (stage) => {
    const answers: unknown[] = []
    const reader = detector('reader', {}, async (update, prices) => {
      if (update.pair !== 'READ') return
      answers.push(await prices.getOrLoad('ethereum', 'P0'))
      answers.push(await prices.getMany('ethereum', ['P7', 'absent', 'P8']))
    })
    const node = await stage.startNode({ detectors: [reader], config: SMALL_L1 })
    const pairs = Array.from({ length: 10 }, (_, i) => updateOf(`P${i}`, { price: i + 1 }))
    await stage.produce(...pairs)
    await until('L2 has them all', () => node.stats().updates === 10 && node.stats().l2.waitingEntries === 0)
    await stage.produce(updateOf('READ'))
    await until('the reads are answered', () => answers.length === 2)
    expect(answers).toMatchObject([{ price: 1 }, [{ price: 8 }, 'missing', { price: 9 }]])
  })
})

test('a synchronous read that misses brings the pair into L1 for the next one', async () => {
  await onStage(inMemory(), async (stage) => {
    const answers: unknown[] = []
    const reader = detector('reader', {}, (update, prices) => {
      if (update.pair === 'READ') answers.push(prices.get('ethereum', 'P5'))
    })
    const node = await stage.startNode({ detectors: [reader], config: SMALL_L1 })
    await stage.produce(...Array.from({ length: 10 }, (_, i) => updateOf(`P${i}`, { price: i })))
    await until('L2 has them all', () => node.stats().updates === 10 && node.stats().l2.waitingEntries === 0)
    await stage.produce(updateOf('READ'))
    await until('the first read is answered', () => answers.length === 1)
    await stage.produce(updateOf('READ'))
    await until('the second read is answered', () => answers.length === 2)
    expect(answers).toMatchObject(['unknown', { pair: 'P5', price: 5 }])
  })
})

test('reads after an await still belong to the update that they were handed with', async () => {
  await onStage(inMemory(), async (stage) => {
    const versions: number[] = []
    const reader = detector('reader', {}, async (update, prices) => {
      if (update.pair !== 'B') return
      const before = await prices.getOrLoad('ethereum', 'A')
      const after = prices.get('ethereum', 'A')
      if (typeof before === 'object' && typeof after === 'object') versions.push(before.version, after.version)
    })
    await stage.startNode({ detectors: [reader] })
    await stage.produce(updateOf('A'), updateOf('B'), updateOf('A'), updateOf('B'), updateOf('A'), updateOf('B'))
    await until('A was read six times', () => versions.length === 6)
    expect(versions).toEqual(versions.toSorted((a, b) => a - b))
  })
})

test('an update older than the value of its pair is counted, and changes nothing', async () => {
  await onStage(inMemory(), async (stage) => {
    const prices: number[] = []
    const node = await stage.startNode({ detectors: [detector('all', {}, ({ price }) => void prices.push(price))] })
    const newer = updateOf('A', { price: 2 })
    await stage.produce(newer, { ...newer, price: 1, eventTimeMs: newer.eventTimeMs - 5 }, updateOf('A', { price: 3 }))
    await until('the newest is handled', () => prices.at(-1) === 3)
    expect(prices).toEqual([2, 3])
    expect(node.stats().updates).toBe(2)
  })
})

test('a delisted pair is removed from all levels, and comes back with its next update', async () => {
  await onStage(inMemory(), async (stage) => {
    const readings: unknown[] = []
    const reader = detector('reader', {}, async (update, prices) => {
      if (update.pair === 'B') readings.push(await prices.getOrLoad('ethereum', 'A'))
    })
    const node = await stage.startNode({ detectors: [reader] })
    const read = async () => {
      const count = readings.length + 1
      await stage.produce(updateOf('B'))
      await until('A was read', () => readings.length === count)
      return readings.at(-1)
    }
    await stage.produce(updateOf('A', { price: 1 }))
    await until('A is in L2', () => node.stats().updates === 1 && node.stats().l2.waitingEntries === 0)
    expect(await read()).toMatchObject({ price: 1 })
    await stage.produceRecords({ partition: 0, key: pairKey('ethereum', 'A'), value: null })
    expect(await read()).toBe('missing')
    await stage.produce(updateOf('A', { price: 2 }))
    expect(await read()).toMatchObject({ price: 2 })
  })
})
