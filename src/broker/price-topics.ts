import {
  DEAD_LETTER_RETENTION_MS,
  DEAD_LETTER_SUFFIX,
  deadLetterTopic,
  TOPIC_RETENTION_MS,
} from '../../schemas/topics.ts'
import type { Admin, TopicSpec } from './port.ts'

/** The price topics that a node reads, and the number of partitions that each of them has. */
export interface PriceTopics {
  readonly topics: readonly string[]
  readonly partitions: number
}

/** The names of our own topics, as the settings have them. */
export interface OwnTopicNames {
  readonly warmRequestsTopic: string
  readonly warmResultsTopic: string
}

export type PriceTopicsFound = ({ readonly ok: true } & PriceTopics) | { readonly ok: false; readonly reason: string }

/**
 * Finds the price topics by name, or by a pattern that never selects a dead-letter topic or one of our own. All must
 * have the same number of partitions, because a chain's updates and warm requests live in the partition of one number.
 */
export async function findPriceTopics(
  admin: Admin,
  selection: readonly string[] | RegExp,
  { warmRequestsTopic, warmResultsTopic }: OwnTopicNames,
): Promise<PriceTopicsFound> {
  const existing = new Set(await admin.topics())
  const ours = [warmRequestsTopic, warmResultsTopic]
  const isForeign = (topic: string) => !topic.endsWith(DEAD_LETTER_SUFFIX) && !ours.includes(topic)
  const topics =
    selection instanceof RegExp
      ? // With the flag g, `test` would begin at its last match.
        [...existing].filter((topic) => topic.search(selection) >= 0 && isForeign(topic)).sort()
      : selection
  const absent = topics.filter((topic) => !existing.has(topic))
  if (absent.length > 0)
    return {
      ok: false,
      reason: `price topics that do not exist: ${absent.join(', ')} (create them with \`forewarm topics create\`)`,
    }
  const [first] = topics
  if (first === undefined) return { ok: false, reason: `no topic matches PRICE_TOPICS ${String(selection)}` }
  const counts = new Map<string, number>()
  for (const topic of topics) counts.set(topic, (await admin.partitions(topic)) ?? 0)
  const partitions = counts.get(first) ?? 0
  const different = topics.find((topic) => counts.get(topic) !== partitions)
  if (different !== undefined)
    return {
      ok: false,
      reason: `price topics need the same number of partitions: ${first} has ${partitions}, ${different} has ${counts.get(different)}`,
    }
  return { ok: true, topics, partitions }
}

/** Our own topics that a node needs, with as many partitions as the price topics. */
export function ownTopics(names: OwnTopicNames, partitions: number): readonly TopicSpec[] {
  const kept = { [names.warmRequestsTopic]: 'warm-requests', [names.warmResultsTopic]: 'warm-results' } as const
  return Object.entries(kept).map(([topic, role]) => ({
    topic,
    partitions,
    config: { 'cleanup.policy': 'delete', 'retention.ms': String(TOPIC_RETENTION_MS[role]) },
  }))
}

/** Room for a dead letter's headers, above the largest record of its origin. */
const LETTER_HEADROOM_BYTES = 64 * 1024
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588

/** `<topic>.dlq` for each price topic, with as many partitions, for its largest record and some headers more. */
export async function deadLetterTopics(admin: Admin, prices: PriceTopics): Promise<readonly TopicSpec[]> {
  const specs: TopicSpec[] = []
  for (const topic of prices.topics) {
    const largest = Number(
      (await admin.topicConfig(topic, ['max.message.bytes'])).get('max.message.bytes') ?? DEFAULT_MAX_MESSAGE_BYTES,
    )
    specs.push({
      topic: deadLetterTopic(topic),
      partitions: prices.partitions,
      config: {
        'retention.ms': String(DEAD_LETTER_RETENTION_MS),
        'max.message.bytes': String(largest + LETTER_HEADROOM_BYTES),
      },
    })
  }
  return specs
}
