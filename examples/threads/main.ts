import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createMemoryBroker, createNode, createPricePublisher } from '../../index.ts'

// A node writes L1, and two threads beside it read the same memory.
const broker = createMemoryBroker({ partitions: { 'prices.example': 1 } })
const node = await createNode({
  broker,
  l2: 'memory',
  config: { kafka: { priceTopics: ['prices.example'] }, http: { port: 0 } },
  logLevel: 'warn',
})
await node.start()

const workers = ['first', 'second'].map(
  (name) => new Worker(new URL('./reader.ts', import.meta.url), { workerData: { name, prices: node.sharedPrices } }),
)

const producer = broker.producer()
await producer.connect()
const publisher = createPricePublisher({ producer, topic: 'prices.example', partitions: 1 })
const feed = setInterval(() => {
  const price = 3000 + Math.random()
  void publisher.produce({ pair: 'WETH/USDC', chain: 'ethereum', price, eventTimeMs: Date.now() })
}, 10)

await Promise.all(workers.map((worker) => once(worker, 'exit')))
clearInterval(feed)
await publisher.close()
await producer.close()
await node.close()
await broker.close()
