import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { createMemoryBroker } from '../../../src/broker/memory/broker.ts'
import { detector } from '../../../src/detect/detector.ts'
import type { NoReading, Reading } from '../../../src/detect/reading.ts'
import { format } from '../../../src/formats/function-format.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { get } from '../../node/scrape.ts'
import { onStage } from '../../node/stage.ts'

let redis: Stack

beforeAll(async () => {
  redis = await startStack({ brokers: 0 })
})
afterAll(() => redis?.stop())

/** What a detector reads of the pair DEPTH, on a node that has handled its update and on one that has only Redis. */
async function readings(usePriceMatrix: boolean): Promise<(Reading | NoReading)[]> {
  const read: (Reading | NoReading)[] = []
  await onStage({ broker: createMemoryBroker(), redisUrl: redis.redisUrl ?? '' }, async (stage) => {
    const chain = uniqueName('chain')
    const service = uniqueName('service')
    const reader = detector('reader', {}, async ({ pair }, prices) => {
      if (pair === 'ASK') read.push(await prices.getOrLoad(chain, 'DEPTH'))
    })
    const lines = format(stage.topic, ({ value }) => {
      const [pair = '', price, depth] = `${value}`.split(' ')
      const extra = { depth: Number(depth), venue: 'één' }
      return { pair, chain, price: Number(price), eventTimeMs: Date.now(), extra }
    })
    const send = (value: string) => stage.produceRecords({ partition: 0, key: chain, value })
    for (const line of ['DEPTH 7 25', undefined]) {
      const node = await stage.startNode({
        ...{ detectors: [reader], formats: [lines] },
        config: { node: { service }, cache: { usePriceMatrix } },
      })
      const before = read.length
      if (line !== undefined) await send(line)
      await send('ASK 1 0')
      await until('the pair was read', () => read.length > before)
      const sight = await get(node, `/prices/${chain}/DEPTH`)
      expect(JSON.parse(sight.body).extra).toEqual(usePriceMatrix ? undefined : { depth: 25, venue: 'één' })
      await node.close()
    }
  })
  return read
}

test('without the price matrix, detectors read what a format gave as extra, also on a node that has it from Redis', async () => {
  const kept = { price: 7, extra: { depth: 25, venue: 'één' } }
  expect(await readings(false)).toMatchObject([kept, kept])
})

test('with the price matrix, the numbers are kept and nothing else', async () => {
  const numbers = { price: 7, extra: undefined }
  expect(await readings(true)).toMatchObject([numbers, numbers])
})
