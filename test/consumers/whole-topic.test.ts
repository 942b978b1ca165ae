import { expect, test } from '@jest/globals'
import { WholeTopic } from '../../consumers/whole-topic.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import type { Broker, Consumer } from '../../src/broker/port.ts'

/** A reader of a topic whose leader has shown no more records at these times. */
function readerOf(readToEndAtMs: readonly (number | undefined)[]): WholeTopic {
  const memory = createMemoryBroker()
  const positions: Consumer['positions'] = () =>
    readToEndAtMs.map((atMs, partition) => ({
      ...{ topic: 't', partition, topicId: undefined, position: 0n, stableEnd: 0n, highWatermark: 0n },
      readToEndAtMs: atMs,
    }))
  const broker: Broker = { ...memory, consumer: (options) => Object.assign(memory.consumer(options), { positions }) }
  return new WholeTopic({
    ...{ broker, topic: 't', groupId: 'g', partitionsOf: async () => readToEndAtMs.length },
    ...{ onRecord: () => undefined, onEvent: () => undefined },
  })
}

test('a reader whose partition was not read to its end for long is in trouble, as its leader may be away', () => {
  const nowMs = performance.now()
  expect(readerOf([nowMs, nowMs - 60_000]).trouble).toMatch(/^topic t was last read to its end 60 s ago$/)
  expect(readerOf([nowMs, nowMs - 1_000]).trouble).toBeUndefined()
  expect(readerOf([undefined]).trouble).toBeUndefined()
})
