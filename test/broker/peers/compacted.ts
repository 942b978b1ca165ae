import { expect } from '@jest/globals'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { Broker } from '../../../src/broker/port.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'
import { type JavaPeer, PLAIN, type ReadPartitions, type ReadStart } from '../../harness/peers/java-peer.ts'
import { until } from '../../harness/until.ts'
import { differencesOf, startReading, untilAtEnd } from './comparison.ts'
import { below, type Random, randomSchedule } from './schedule.ts'

const KEYS = ['WETH/USDC', 'WBTC/USDC', 'LINK/WETH', 'UNI/WETH', 'AAVE/USDC']
const NARROW = { maxBytes: 20_000, maxBytesPerPartition: 700 }
/** A record that is later than its segment's first by this much begins a new segment. Schedules span an hour. */
const SEGMENT_MS = 600_000
const LATER_MS = 1_800_000
const CONFIG = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.01',
  'segment.ms': `${SEGMENT_MS}`,
  // The next compaction removes tombstones and transaction markers.
  'delete.retention.ms': '0',
  'message.timestamp.after.max.ms': `${100 * LATER_MS}`,
}

/**
 * Runs random schedules with few keys twice over. Each time the broker has compacted the logs, both readers are compared,
 * from the start and from random offsets.
 */
export async function compareCompacted(java: JavaPeer, partitions: number, seed: number): Promise<void> {
  const random = mulberry32(seed)
  const broker = createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('peers'), ...NARROW })
  const admin = broker.admin()
  const topic = uniqueName('compacted')
  try {
    await admin.connect()
    await admin.createTopics([{ topic, partitions, config: CONFIG }])
    const starts = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, from: 0n }))
    const firstMs = Date.now()
    for (let round = 1; round <= 2; round++) {
      const nowMs = firstMs + round * LATER_MS
      await java.write(
        topic,
        starts.map(({ partition }) => ({
          partition,
          steps: [...randomSchedule(partition, { random, nowMs, keys: KEYS }).steps, closing(nowMs + LATER_MS)],
        })),
      )
      await java.release('commit')
      await until('every key is there once', async () => isCompacted(await java.read(starts)))
      await compareStill(java, broker, starts)
      await compareStill(java, broker, anywhere(starts, await java.read(starts), random))
    }
  } finally {
    await broker.close()
  }
}

/** A record that begins the last segment, because the broker does not compact the last one. */
function closing(timestampMs: number) {
  const key = Buffer.from(`closing ${timestampMs}`).toString('base64')
  return { by: PLAIN, records: [{ key, value: key, headers: [], timestampMs }] }
}

function isCompacted(read: ReadPartitions): boolean {
  return Object.values(read).every(({ records }) => {
    const keys = records.map((line) => line.split(' ')[2])
    return new Set(keys).size === keys.length
  })
}

function anywhere(starts: readonly ReadStart[], read: ReadPartitions, random: Random): ReadStart[] {
  return starts.map((start) => {
    const end = Number(read[`${start.topic}/${start.partition}`]?.stableEnd)
    return { ...start, from: BigInt(below(random, end + 1)) }
  })
}

/** Repeats the comparison if the broker compacted the log meanwhile: the readers saw different logs then. */
async function compareStill(java: JavaPeer, broker: Broker, starts: readonly ReadStart[]): Promise<void> {
  let differences: string[] = []
  await until('nothing is compacted while both read', async () => {
    const before = await java.read(starts)
    const ours = await startReading(broker, starts)
    await untilAtEnd(ours, before)
    const after = await java.read(starts)
    differences = differencesOf(ours, after)
    await ours.consumer.stop()
    return JSON.stringify(before) === JSON.stringify(after)
  })
  expect(differences).toEqual([])
}
