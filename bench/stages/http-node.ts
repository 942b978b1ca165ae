import { createNode, createPricePublisher } from '../../index.ts'
import { createMemoryBroker } from '../../testing.ts'

/** A node in a process of its own, over a broker and an L2 in memory, that has handled an update of every pair. */
const TOPIC = 'prices.http'
const [PAIRS, CHAINS, PARTITIONS] = [5_000, 60, 12]

const broker = createMemoryBroker()
const admin = broker.admin()
await admin.connect()
await admin.createTopics([{ topic: TOPIC, partitions: PARTITIONS }])
const producer = broker.producer()
await producer.connect()
const node = await createNode({
  broker,
  l2: 'memory',
  detectors: [],
  env: {},
  logLevel: 'silent',
  start: 'earliest',
  config: { kafka: { priceTopics: [TOPIC] }, warming: { rollout: 'full' }, http: { port: 0 } },
})
await node.start()
const publisher = createPricePublisher({ producer, topic: TOPIC, partitions: PARTITIONS })
const eventTimeMs = Date.now()
await Promise.all(
  Array.from({ length: PAIRS }, (_, i) =>
    publisher.produce({ pair: `P${i}`, chain: `chain-${i % CHAINS}`, price: 1 + i, eventTimeMs }),
  ),
)
process.send?.(node.httpPort)
