import { describe, expect, test } from '@jest/globals'
import { publishingOf } from '../../node/detection/outputs.ts'
import { createNode } from '../../node/node.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { virtualClock } from '../../src/clock.ts'
import { detector } from '../../src/detect/detector.ts'
import type { ForewarmError } from '../../src/forewarm-error.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { awayBroker, sendingThrough } from './output-broker.ts'
import { metricValue } from './scrape.ts'
import { header, onStage, updateOf } from './stage.ts'

function stageOf() {
  const broker = createMemoryBroker()
  return { broker, output: uniqueName('found') }
}

describe('what a detector returns', () => {
  test('is published as JSON with its update’s key, the detector and the update, before the offset moves', async () => {
    const { broker, output } = stageOf()
    await onStage({ broker }, async (stage) => {
      const found = [
        detector('now', { output }, ({ pair, price }) => (price > 1 ? { pair, price } : undefined)),
        detector('later', { output }, async ({ price }) => (price > 1 ? price : null)),
      ]
      const node = await stage.startNode({ detectors: found })
      const outputs = await stage.watch(output, 'earliest')
      const update = updateOf('B', { price: 2 })
      await stage.produce(updateOf('A'), update)
      await until('all is committed', async () => (await stage.committed()) === 2)
      expect(outputs.map(({ key, value }) => [String(key), JSON.parse(String(value))])).toEqual([
        ['ethereum\0B', { pair: 'B', price: 2 }],
        ['ethereum\0B', 2],
      ])
      const headers = outputs.map((of) =>
        ['detector', 'update', 'event-time-ms'].map((n) => header(of, `forewarm-${n}`)),
      )
      const at = [`${stage.topic}/0@1`, String(update.eventTimeMs)]
      expect(headers).toEqual([
        ['now', ...at],
        ['later', ...at],
      ])
      expect(node.stats().detectors).toMatchObject([{ outputs: 1, outputsRefused: 0 }, { outputs: 1 }])
      expect(await metricValue(node, 'arbitrage_detector_outputs_total', { detector: 'now' })).toBe(1)
      expect(await metricValue(node, 'arbitrage_detector_duration_seconds_count', { detector: 'later' })).toBe(2)
    })
  })

  test('keeps its update uncommitted while Kafka does not take it, and comes once it does, in order', async () => {
    const { broker, output } = stageOf()
    const away = awayBroker()
    await onStage({ broker, nodeBroker: sendingThrough(broker, output, away.send) }, async (stage) => {
      const node = await stage.startNode({ detectors: [detector('all', { output }, ({ price }) => price)] })
      const outputs = await stage.watch(output, 'earliest')
      const prices = Array.from({ length: 20 }, (_, price) => price)
      await stage.produce(...prices.map((price) => updateOf('A', { price })))
      await until('it was tried again', () => away.attempts() > 2)
      expect([await stage.committed(), outputs]).toEqual([0, []])
      away.comesBack()
      await until('all is committed', async () => (await stage.committed()) === 20)
      expect(outputs.map(({ value }) => Number(value))).toEqual(prices)
      expect(node.stats().detectors[0]).toMatchObject({ outputs: 20, outputsRefused: 0 })
    })
  })

  test('keeps its update uncommitted if the node closes before Kafka has taken it, and the next node finds it again', async () => {
    const { broker, output } = stageOf()
    const away = awayBroker()
    await onStage({ broker, nodeBroker: sendingThrough(broker, output, away.send) }, async (stage) => {
      const detectors = [detector('all', { output }, ({ price }) => price)]
      const config = { node: { drainTimeoutMs: 50 } }
      const first = await stage.startNode({ detectors, config, start: 'earliest' })
      await stage.produce(updateOf('A', { price: 7 }))
      await until('it was tried', () => away.attempts() > 0)
      await Promise.all([first.close(), first.close()])
      expect(await stage.committed()).toBe(0)
      away.comesBack()
      await stage.startNode({ detectors, start: 'earliest' })
      await until('it is committed', async () => (await stage.committed()) === 1)
      const outputs = await stage.watch(output, 'earliest')
      await until('it is there', () => outputs.length > 0)
      expect(outputs.map(({ value }) => Number(value))).toEqual([7])
    })
  })

  test('is ignored as ever without an output', async () => {
    const { broker } = stageOf()
    await onStage({ broker }, async (stage) => {
      const node = await stage.startNode({
        detectors: [{ ...detector('idle', {}, () => undefined), detect: () => 1n }],
      })
      await stage.produce(updateOf('A'))
      await until('it is committed', async () => (await stage.committed()) === 1)
      expect(node.stats().detectors[0]).toMatchObject({ errors: 0, outputs: 0, outputsRefused: 0 })
    })
  })

  test('is counted by reason where it cannot be published, and its update goes on', async () => {
    const { broker, output } = stageOf()
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const values: readonly unknown[] = [
      ...[1n, circular, () => 1, Symbol('s'), Number.NaN],
      {
        toJSON: () => {
          throw new Error('no JSON of mine')
        },
      },
      'x'.repeat(2_000_000),
      { fine: true },
      0,
      '',
      false,
    ]
    await onStage({ broker }, async (stage) => {
      const odd = detector('odd', { output }, ({ price }) => values[price])
      const node = await stage.startNode({ detectors: [odd] })
      const outputs = await stage.watch(output, 'earliest')
      await stage.produce(...values.map((_, price) => updateOf('A', { price })))
      await until('all is committed', async () => (await stage.committed()) === values.length)
      expect(outputs.map(({ value }) => String(value))).toEqual(['{"fine":true}', '0', '""', 'false'])
      const refused = (reason: string) =>
        metricValue(node, 'arbitrage_detector_outputs_refused_total', { detector: 'odd', reason })
      expect([await refused('not-json'), await refused('too-large')]).toEqual([6, 1])
      expect(node.stats().detectors[0]).toMatchObject({ errors: 0, outputs: 4, outputsRefused: 7 })
    })
  })

  test('after its handler ran out of time is counted, and not published out of its turn', async () => {
    const { broker, output } = stageOf()
    const slow = Promise.withResolvers<string>()
    await onStage({ broker }, async (stage) => {
      const late = detector('late', { output }, ({ pair }) => (pair === 'A' ? slow.promise : 'in time'))
      const node = await stage.startNode({ detectors: [late], config: { node: { detectorTimeoutMs: 20 } } })
      const outputs = await stage.watch(output, 'earliest')
      await stage.produce(updateOf('A'), updateOf('B'))
      await until('both are committed', async () => (await stage.committed()) === 2)
      slow.resolve('late')
      await until('it is counted', () => node.stats().detectors[0]?.outputsRefused === 1)
      expect(outputs.map(({ value }) => String(value))).toEqual(['"in time"'])
    })
  })
})

describe('a node with output topics', () => {
  test('is refused if a detector’s output is a price topic, a dead-letter topic, or one of ours or Kafka’s own', async () => {
    const refusal = async (output: string, priceTopics: readonly string[] | RegExp) => {
      const detectors = [detector('spread', { output }, () => 1)]
      const config = { kafka: { priceTopics } }
      const made = createNode({ detectors, config, env: {}, broker: createMemoryBroker(), logLevel: 'silent' })
      const error: ForewarmError = await made.then(
        () => Promise.reject(new Error('was made')),
        (thrown) => thrown,
      )
      return `${error.code} ${error.message}`
    }
    const begin = 'bad-value detector spread: output: expected a topic of its own, but'
    expect(await refusal('prices.found', /^prices\./)).toBe(
      `${begin} prices.found is a price topic of this node (PRICE_TOPICS is /^prices\\./)`,
    )
    expect(await refusal('b', ['a', 'b'])).toBe(`${begin} b is a price topic of this node (PRICE_TOPICS is a,b)`)
    expect(await refusal('prices.a.dlq', /^prices\./)).toBe(`${begin} prices.a.dlq is a topic of Forewarm's own`)
    expect(await refusal('warm-requests', ['a'])).toBe(`${begin} warm-requests is a topic of Forewarm's own`)
    expect(await refusal('__consumer_offsets', ['a'])).toBe(`${begin} __consumer_offsets is a topic of Kafka's own`)
  })

  test('makes those that are missing, with as many partitions as the price topics, and leaves others as they are', async () => {
    const { broker, output } = stageOf()
    await onStage({ broker, partitions: 3 }, async (stage) => {
      const there = `${output}.there`
      await stage.admin.createTopics([{ topic: there, partitions: 2 }])
      await stage.startNode({ detectors: [output, there].map((topic) => detector(topic, { output: topic }, () => 1)) })
      expect([await stage.admin.partitions(output), await stage.admin.partitions(there)]).toEqual([3, 2])
    })
  })

  test('publishes in a replay only to a broker that it is given', () => {
    const detectors = [detector('found', { output: 'found' }, () => 1)]
    const clock = virtualClock()
    expect(publishingOf({ detectors, clock })).toBeUndefined()
    expect(publishingOf({ detectors, clock, broker: createMemoryBroker() })).toBe(detectors)
    expect(publishingOf({ detectors })).toBe(detectors)
  })
})
