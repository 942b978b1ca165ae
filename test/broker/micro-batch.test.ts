import { afterEach, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { BatchError } from '../../src/broker/batch-error.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { MicroBatcher } from '../../src/broker/micro-batch.ts'
import { BrokerError } from '../../src/broker/port.ts'
import { newStage, type Request, record, TOPIC, turn, valuesOf } from './micro-batch-stage.ts'

test('records of a partition that come together are sent together', async () => {
  const { batcher, requests, linger } = newStage()
  const both = [batcher.add(record(0, 'a')), batcher.add(record(0, 'b'))]
  expect(requests).toEqual([])
  linger()
  expect(valuesOf(requests)).toEqual([['a', 'b']])
  requests[0]?.acknowledge()
  await Promise.all(both)
})

test('each record is told its own outcome', async () => {
  const { batcher, requests, linger } = newStage()
  const [first, second, third] = ['a', 'b', 'c'].map((value) => batcher.add(record(0, value)))
  linger()
  const tooLarge = new BrokerError('too-large', 'too large', { retriable: false })
  requests[0]?.fail(new BatchError(new Map([[1, tooLarge]]), []))
  await expect(second).rejects.toBe(tooLarge)
  await Promise.all([first, third])
})

test('partitions are sent in one go, and none waits for the answer of another', async () => {
  const { batcher, requests, linger } = newStage()
  const [waits] = [3, 1, 2].map((partition) => batcher.add(record(partition, `${partition}`)))
  linger()
  expect(valuesOf(requests)).toEqual([['3'], ['1'], ['2']])
  const next = batcher.add(record(1, 'next'))
  requests[1]?.acknowledge()
  await turn()
  requests[3]?.acknowledge()
  await next
  requests[0]?.acknowledge()
  await waits
})

test('a full request is sent at once, by records or by bytes', () => {
  const byRecords = newStage({ maxRecords: 3 })
  for (const value of ['a', 'b', 'c', 'd']) void byRecords.batcher.add(record(0, value))
  expect(valuesOf(byRecords.requests)).toEqual([['a', 'b', 'c']])
  const byBytes = newStage({ maxBytes: 100 })
  for (const value of ['x'.repeat(50), 'y'.repeat(50)]) void byBytes.batcher.add(record(0, value))
  expect(byBytes.requests[0]?.records).toHaveLength(1)
})

test('a partition has one request in flight', async () => {
  const { batcher, requests, linger } = newStage()
  void batcher.add(record(0, 'a'))
  void batcher.add(record(1, 'b'))
  linger()
  void batcher.add(record(1, 'c'))
  void batcher.add(record(2, 'd'))
  linger()
  expect(valuesOf(requests)).toEqual([['a'], ['b'], ['d']])
  requests[1]?.acknowledge()
  await turn()
  expect(valuesOf(requests)).toEqual([['a'], ['b'], ['d'], ['c']])
})

test('at most maxInFlight requests are in flight', async () => {
  const { batcher, requests } = newStage({ maxRecords: 1, maxInFlight: 2 })
  for (const partition of [0, 1, 2, 3]) void batcher.add(record(partition, `${partition}`))
  expect(valuesOf(requests)).toEqual([['0'], ['1']])
  requests[1]?.acknowledge()
  await turn()
  expect(valuesOf(requests)).toEqual([['0'], ['1'], ['2']])
})

test('a record beyond maxQueued is refused with both numbers', async () => {
  const { batcher, requests, linger } = newStage({ maxQueued: 2 })
  const kept = [batcher.add(record(0, 'a')), batcher.add(record(0, 'b'))]
  await expect(batcher.add(record(0, 'c'))).rejects.toMatchObject({
    code: 'refused',
    retriable: true,
    message: '2 records are queued, at most 2 expected',
  })
  linger()
  requests[0]?.acknowledge()
  await Promise.all(kept)
  const taken = batcher.add(record(0, 'd'))
  linger()
  requests[1]?.acknowledge()
  await expect(taken).resolves.toBeUndefined()
})

test('a record that is larger than a request is sent alone, so that it alone is refused', async () => {
  const { batcher, requests } = newStage({ maxBytes: 100 })
  const small = batcher.add(record(0, 'a'))
  const large = batcher.add(record(1, 'x'.repeat(500)))
  const other = batcher.add(record(2, 'b'))
  void batcher.flush()
  expect(requests.map(({ records }) => records.length)).toEqual([1, 1, 1])
  requests[1]?.fail(new BrokerError('too-large', 'too large', { retriable: false }))
  requests[0]?.acknowledge()
  requests[2]?.acknowledge()
  await expect(large).rejects.toMatchObject({ code: 'too-large' })
  await Promise.all([small, other])
})

test('a failed request rejects its records, and the next records of its partitions are sent', async () => {
  const { batcher, requests, linger } = newStage()
  const failed = batcher.add(record(0, 'a'))
  linger()
  const next = batcher.add(record(0, 'b'))
  requests[0]?.fail(new Error('gone'))
  await expect(failed).rejects.toMatchObject({ code: 'failed' })
  requests[1]?.acknowledge()
  await expect(next).resolves.toBeUndefined()
})

test('onDropped is called for all records that were not sent, and their promises may be ignored', async () => {
  const dropped: [string, number][] = []
  const { batcher, requests, linger } = newStage({
    maxQueued: 2,
    onDropped: ({ code }, records) => dropped.push([code, records]),
  })
  for (const value of ['a', 'b', 'c']) void batcher.add(record(0, value))
  linger()
  requests[0]?.fail(new BrokerError('unreachable', 'gone', { retriable: true }))
  await turn()
  await batcher.close()
  void batcher.add(record(0, 'd'))
  await turn()
  expect(dropped).toEqual([
    ['refused', 1],
    ['unreachable', 2],
    ['closed', 1],
  ])
})

test('an onDropped that throws holds up no other record', async () => {
  const onDropped = () => {
    throw new Error('the observer is broken')
  }
  const { batcher, requests } = newStage({ maxQueued: 3, onDropped })
  const dropped = [0, 1].map((partition) => batcher.add(record(partition, 'a')))
  const flushed = batcher.flush()
  const next = batcher.add(record(0, 'b'))
  await expect(batcher.add(record(0, 'c'))).rejects.toMatchObject({ code: 'refused' })
  for (const request of requests) request.fail(new Error('gone'))
  for (const each of dropped) await expect(each).rejects.toMatchObject({ code: 'failed' })
  await flushed
  void batcher.flush()
  requests[2]?.acknowledge()
  await expect(next).resolves.toBeUndefined()
})

test('flush sends what is queued without lingering, and does not wait for what comes later', async () => {
  const { batcher, requests } = newStage()
  await batcher.flush()
  void batcher.add(record(0, 'a'))
  let isFlushed = false
  const flushed = batcher.flush().then(() => {
    isFlushed = true
  })
  expect(valuesOf(requests)).toEqual([['a']])
  void batcher.add(record(0, 'b'))
  await turn()
  expect(isFlushed).toBe(false)
  requests[0]?.acknowledge()
  await flushed
  expect(valuesOf(requests)).toEqual([['a'], ['b']])
})

test('close flushes, may be called twice, and refuses records from then on', async () => {
  const { batcher, requests } = newStage()
  const last = batcher.add(record(0, 'a'))
  const closing = [batcher.close(), batcher.close()]
  requests[0]?.acknowledge()
  await Promise.all([...closing, last])
  await expect(batcher.add(record(0, 'b'))).rejects.toMatchObject({ code: 'closed', retriable: false })
})

test('records keep their order in each partition, none is lost, and all bounds hold, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ partition: fc.nat(5), bytes: fc.nat(60), next: fc.constantFrom('add', 'linger', 'settle') }),
      ),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(2, undefined),
      async (steps, maxInFlight, lingerMs) => {
        const bounds = { maxRecords: 4, maxBytes: 100, maxInFlight }
        const { batcher, requests, linger } = newStage({ ...bounds, lingerMs })
        const settled = new Set<Request>()
        const settleOne = () => {
          const open = requests.filter((request) => !settled.has(request))
          expect(open.length).toBeLessThanOrEqual(maxInFlight)
          const partitions = open.flatMap(({ records }) => [...new Set(records.map(({ partition }) => partition))])
          expect(new Set(partitions).size).toBe(partitions.length)
          const last = open.at(-1)
          if (last === undefined) return false
          settled.add(last)
          last.acknowledge()
          return true
        }
        for (const [index, { partition, bytes, next }] of steps.entries()) {
          void batcher.add(record(partition, `${index} ${'.'.repeat(bytes)}`))
          if (next === 'linger') linger()
          if (next === 'settle' && settleOne()) await turn()
        }
        const flushed = batcher.flush()
        while (settleOne()) await turn()
        await flushed
        for (const { records } of requests) expect(records.length).toBeLessThanOrEqual(bounds.maxRecords)
        const sent = requests.flatMap(({ records }) => records)
        expect(sent).toHaveLength(steps.length)
        for (let partition = 0; partition <= 5; partition++) {
          const order = sent
            .filter((each) => each.partition === partition)
            .map(({ value }) => Number.parseInt(`${value}`, 10))
          expect(order).toEqual(order.toSorted((a, b) => a - b))
        }
      },
    ),
  )
})

test('a batcher without a given timer sends its records', async () => {
  const broker = createMemoryBroker({ partitions: { [TOPIC]: 2 } })
  const producer = broker.producer()
  await producer.connect()
  const batcher = new MicroBatcher(producer, { topic: TOPIC })
  await Promise.all(Array.from({ length: 1000 }, (_, i) => batcher.add(record(i % 2, `${i}`))))
  const admin = broker.admin()
  await admin.connect()
  expect((await admin.offsets(TOPIC)).map(({ high }) => high)).toEqual([500n, 500n])
  await batcher.close()
  await broker.close()
})

const unhandled: unknown[] = []
process.on('unhandledRejection', note)
afterEach(() => expect(unhandled.splice(0)).toEqual([]))

function note(reason: unknown): void {
  unhandled.push(reason)
}
