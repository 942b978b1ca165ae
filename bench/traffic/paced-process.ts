import { once } from 'node:events'
import { createKafkaBroker, createPricePublisher } from '../../index.ts'
import { pace } from './pace.ts'
import { PARTITIONS } from './price-feed.ts'
import { SYSTEM_MS } from './system-time.ts'

/**
 * Publishes the feed at a steady rate, so that no reader shares its process with a producer. It warms the reader up
 * with updates from sequence 0 on until it is told to go on. Then it publishes `updates` of them from `from` on. It
 * answers with when `produce` was called for each of these, as a Float64Array in milliseconds of the system.
 */
export interface PacedTask {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly perSecond: number
  readonly from: number
  readonly updates: number
}

const { brokers, topic, perSecond, from, updates }: PacedTask = JSON.parse(process.argv[2] ?? '')
const broker = createKafkaBroker({ brokers, clientId: 'bench-producer' })
const producer = broker.producer()
await producer.connect()
const steady = { publisher: createPricePublisher({ producer, topic, partitions: PARTITIONS }), perSecond }
let isWarm = false
void once(process, 'message').then(() => {
  isWarm = true
})
await pace({ ...steady, from: 0, more: () => !isWarm })
const sentMs = new Float64Array(updates)
await pace({
  ...steady,
  from,
  more: (sequence) => sequence < from + updates,
  onSending: (sequence) => {
    sentMs[sequence - from] = performance.now() + SYSTEM_MS
  },
})
process.send?.(sentMs, () => process.exit())
