import type { Admin, Broker, TopicSpec } from '../src/broker/port.ts'
import { deadLetterTopics, findPriceTopics, ownTopics } from '../src/broker/price-topics.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import type { Config } from '../src/config/settings.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { UsageError } from './usage-error.ts'

export interface CreateTopicsOptions {
  readonly names: readonly string[]
  /** The partitions of missing price topics. Default: as many as a price topic that exists. */
  readonly partitions?: number
}

export interface CreateTopicsReport {
  readonly created: readonly string[]
  readonly existing: readonly string[]
}

/** Creates price topics first, because Forewarm's own topics get as many partitions. */
export function createTopics(
  broker: Broker,
  config: Config,
  options: CreateTopicsOptions,
): Promise<CreateTopicsReport> {
  return withAdmin(broker, async (admin) => {
    const prices = await missingPriceTopics(admin, config, options)
    const madePrices = await admin.createTopics(prices)
    const selection = options.names.length > 0 ? options.names : config.kafka.priceTopics
    const found = await findPriceTopics(admin, selection, config.kafka)
    if (!found.ok) throw new ForewarmError('topics-unusable', found.reason)
    await assertAsMany(admin, found.topics, options.partitions)
    const wanted = [...ownTopics(config.kafka, found.partitions), ...(await deadLetterTopics(admin, found))]
    const created = [...madePrices, ...(await admin.createTopics(wanted))]
    const all = [...found.topics, ...wanted.map(({ topic }) => topic)]
    return { created, existing: all.filter((topic) => !created.includes(topic)) }
  })
}

async function missingPriceTopics(
  admin: Admin,
  { kafka }: Config,
  { names, partitions }: CreateTopicsOptions,
): Promise<readonly TopicSpec[]> {
  const wanted = names.length > 0 ? names : Array.isArray(kafka.priceTopics) ? kafka.priceTopics : []
  const existing = await admin.topics()
  await assertAsMany(
    admin,
    wanted.filter((topic: string) => existing.includes(topic)),
    partitions,
  )
  const missing = wanted.filter((topic: string) => !existing.includes(topic))
  if (missing.length === 0) return []
  const present = wanted.find((topic: string) => existing.includes(topic))
  const count = partitions ?? (present === undefined ? undefined : await admin.partitions(present))
  if (count === undefined) throw new UsageError(`how many partitions for ${missing.join(', ')}? give --partitions`)
  return missing.map((topic: string) => ({ topic, partitions: count }))
}

/** Throws `topics-unusable` if a topic exists with another number of partitions. */
async function assertAsMany(admin: Admin, topics: readonly string[], wanted: number | undefined): Promise<void> {
  for (const topic of topics) {
    const partitions = (await admin.partitions(topic)) ?? wanted
    if (wanted === undefined || partitions === wanted) continue
    const howTo =
      wanted < (partitions ?? 0)
        ? 'Kafka cannot make them fewer'
        : `to grow it, call Kafka's own kafka-topics.sh --alter --topic ${topic} --partitions ${wanted}`
    throw new ForewarmError('topics-unusable', `${topic} exists with ${partitions} partitions, not ${wanted}: ${howTo}`)
  }
}
