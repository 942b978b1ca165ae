/**
 * A recorded day of a prediction market through real Kafka and real Redis, twice: with warming and without. On each
 * update the detector reads the other outcomes of the same event, because their prices constrain each other. L1 holds
 * one pair in twenty.
 *
 *   npm run polymarket [-- DAY]
 */
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startStack } from '../../deploy/stack/stack.ts'
import { type Broker, createKafkaBroker, createPricePublisher } from '../../index.ts'
import { type Day, readDay } from './dataset.ts'
import { type Figures, runDay } from './run-day.ts'

const DATASETS = resolve(process.env.FOREWARM_DATASETS ?? join(import.meta.dirname, '../../../shared/datasets'))
const PARTITIONS = 4
/** What the project promises for this day; an LRU cache without warming reaches 0.685. */
const PROMISED_HIT_RATIO = 0.975

const name = process.argv[2] ?? '2026-07-10'
const day = readDay(pathToFileURL(join(DATASETS, 'polymarket/')), name)
if (day === undefined) {
  console.error(`no recording of ${name} under ${DATASETS}: set FOREWARM_DATASETS to the folder that holds polymarket/`)
  process.exit(1)
}
process.exit(await main(day))

async function main(day: Day): Promise<number> {
  const { KAFKA_BROKERS, REDIS_URL } = process.env
  const stack = KAFKA_BROKERS && REDIS_URL ? undefined : await startStack({ brokers: 1, redis: true, profile: 'bench' })
  const brokers = stack?.brokers ?? KAFKA_BROKERS?.split(',') ?? []
  const redisUrl = stack?.redisUrl ?? REDIS_URL ?? ''
  const broker = createKafkaBroker({ brokers, clientId: 'forewarm.polymarket' })
  const topic = `prices.polymarket.${Date.now()}`
  try {
    console.log(
      `${name}: ${day.updates.length} updates of ${day.openings.length} pairs, in recorded order at full speed`,
    )
    console.log(`produced at ${perSecond(day.updates.length, await produce(broker, topic, day))}`)
    const runs = { broker, brokers, redisUrl, topic, day }
    const without = await runDay({ ...runs, warming: false })
    const warmed = await runDay({ ...runs, warming: true })
    console.log(table(without, warmed))
    return warmed.hitRatio >= PROMISED_HIT_RATIO ? 0 : 1
  } finally {
    await deleteTopic(broker, topic)
    await broker.close()
    await stack?.stop()
  }
}

/** Resolves to the seconds that it took. Records carry the recorded times, which the nodes' clocks follow. */
async function produce(broker: Broker, topic: string, day: Day): Promise<number> {
  const admin = broker.admin()
  await admin.connect()
  // Kafka would soon delete the records: their own times are older than its default retention.
  await admin.createTopics([{ topic, partitions: PARTITIONS, config: { 'retention.ms': '-1' } }])
  await admin.close()
  const producer = broker.producer()
  await producer.connect()
  const publisher = createPricePublisher({ producer, topic, partitions: PARTITIONS, timestamps: 'event-time' })
  const startMs = performance.now()
  await Promise.all(day.updates.map((update) => publisher.produce(update)))
  const seconds = (performance.now() - startMs) / 1000
  await publisher.close()
  await producer.close()
  return seconds
}

async function deleteTopic(broker: Broker, topic: string): Promise<void> {
  const admin = broker.admin()
  await admin.connect()
  await admin.deleteTopics([topic, `${topic}.dlq`])
  await admin.close()
}

function table(without: Figures, warmed: Figures): string {
  const row = (name: string, of: (figures: Figures) => string) =>
    `${name.padEnd(34)}${of(without).padStart(16)}${of(warmed).padStart(16)}`
  return [
    '',
    `${''.padEnd(34)}${'without warming'.padStart(16)}${'with warming'.padStart(16)}`,
    row('L1 hit ratio', ({ hitRatio }) => hitRatio.toFixed(4)),
    row('reads', ({ reads }) => String(reads)),
    row('warms', ({ warms }) => String(warms)),
    row('warms read before they left', ({ warms, warmsUsed }) => (warms === 0 ? '–' : (warmsUsed / warms).toFixed(3))),
    row('reads of an update, p50', ({ readMs }) => `${readMs.p50.toFixed(3)} ms`),
    row('reads of an update, p99', ({ readMs }) => `${readMs.p99.toFixed(3)} ms`),
    row('age of what was read, p50', ({ ageSeconds }) => `${ageSeconds.p50.toFixed(0)} s`),
    row('throughput', ({ updates, seconds }) => perSecond(updates, seconds)),
    '',
    `L1: ${warmed.slots} slots, one pair in twenty. Ages are on the replay's clock.`,
  ].join('\n')
}

function perSecond(count: number, seconds: number): string {
  return `${Math.round(count / seconds)}/s`
}
