import { DEAD_LETTER_RETENTION_MS, DEAD_LETTER_SUFFIX, deadLetterTopic, TOPIC_CONFIGS } from '../../schemas/topics.ts'
import { nearest } from '../nearest.ts'
import { type Admin, BrokerError, type TopicSpec } from './port.ts'

/** The price topics that a node reads. */
export interface PriceTopics {
  readonly topics: readonly string[]
  /** The largest number of partitions that one of them has. */
  readonly partitions: number
  /** How many each of them has. */
  readonly counts: ReadonlyMap<string, number>
}

/** The names of our own topics, as the settings have them. */
export interface OwnTopicNames {
  readonly warmRequestsTopic: string
  readonly warmResultsTopic: string
  readonly correlationsTopic: string
  readonly controlTopic: string
}

/** The names of our own topics. */
export function ownTopicNames(names: OwnTopicNames): readonly string[] {
  return [names.warmRequestsTopic, names.warmResultsTopic, names.correlationsTopic, names.controlTopic]
}

export type PriceTopicsFound = ({ readonly ok: true } & PriceTopics) | { readonly ok: false; readonly reason: string }

/** Tells whether the pattern selects a topic. Undefined if topics were named one by one. */
export function priceTopicPattern(
  selection: readonly string[] | RegExp,
  names: OwnTopicNames,
): ((topic: string) => boolean) | undefined {
  if (!(selection instanceof RegExp)) return undefined
  const ours = ownTopicNames(names)
  // With the flag g, `test` would begin at its last match.
  return (topic) => topic.search(selection) >= 0 && !topic.endsWith(DEAD_LETTER_SUFFIX) && !ours.includes(topic)
}

const SHOWN_TOPICS = 10

/** Names the topics that there are, but not those of Kafka itself. `wanted`: one that there is not. */
export function clusterHas(topics: Iterable<string>, wanted?: string): string {
  const names = [...topics].filter((name) => !name.startsWith('__')).sort()
  const more = names.length > SHOWN_TOPICS ? ` and ${names.length - SHOWN_TOPICS} more` : ''
  const meant = wanted === undefined ? undefined : nearest(wanted, names)
  const hint = meant === undefined ? '' : `did you mean ${meant}? `
  return `${hint}the cluster has ${names.length === 0 ? 'no topics' : names.slice(0, SHOWN_TOPICS).join(', ') + more}`
}

/** Finds the price topics by name, or by a pattern that never selects a dead-letter topic or one of our own. */
export async function findPriceTopics(
  admin: Admin,
  selection: readonly string[] | RegExp,
  names: OwnTopicNames,
): Promise<PriceTopicsFound> {
  const existing = new Set(await admin.topics())
  const matches = priceTopicPattern(selection, names)
  const topics = selection instanceof RegExp ? [...existing].filter((topic) => matches?.(topic)).sort() : selection
  const absent = topics.filter((topic) => !existing.has(topic))
  // One that may not be described is not listed either. Asked for by name, it is refused with the right that is missing.
  for (const topic of absent) await admin.partitions(topic)
  if (absent.length > 0)
    return {
      ok: false,
      reason: `price topics that do not exist: ${absent.join(', ')} (create them with \`forewarm topics create\`); ${clusterHas(existing, absent.length === 1 ? absent[0] : undefined)}`,
    }
  if (topics.length === 0)
    return { ok: false, reason: `no topic matches PRICE_TOPICS ${String(selection)}; ${clusterHas(existing)}` }
  const counts = new Map<string, number>()
  for (const topic of topics) counts.set(topic, (await admin.partitions(topic)) ?? 0)
  return { ok: true, topics, partitions: Math.max(...counts.values()), counts }
}

/** Our own topics that a node needs: with as many partitions as the largest price topic, or one for control records. */
export function ownTopics(names: OwnTopicNames, partitions: number): readonly TopicSpec[] {
  const roles = {
    [names.warmRequestsTopic]: 'warm-requests',
    [names.warmResultsTopic]: 'warm-results',
    [names.correlationsTopic]: 'correlations',
    [names.controlTopic]: 'forewarm-control',
  } as const
  return Object.entries(roles).map(([topic, role]) => ({
    topic,
    partitions: role === 'forewarm-control' ? 1 : partitions,
    config: TOPIC_CONFIGS[role],
  }))
}

/** Room for a dead letter's headers, above the largest record of its origin. */
const LETTER_HEADROOM_BYTES = 64 * 1024
const LARGEST = 'max.message.bytes'
const CLEANUP = 'cleanup.policy'
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588

/** `<topic>.dlq` for each price topic, with as many partitions, for its largest record and some headers more. */
export async function deadLetterTopics(
  admin: Admin,
  { counts }: Pick<PriceTopics, 'counts'>,
): Promise<readonly TopicSpec[]> {
  const specs: TopicSpec[] = []
  for (const [topic, partitions] of counts) {
    specs.push({
      topic: deadLetterTopic(topic),
      partitions,
      config: {
        'retention.ms': String(DEAD_LETTER_RETENTION_MS),
        [LARGEST]: String((await largestBytes(admin, topic)) + LETTER_HEADROOM_BYTES),
      },
    })
  }
  return specs
}

/** The largest batch of records that the topic takes, in bytes. */
export async function largestBytes(admin: Admin, topic: string): Promise<number> {
  const config = await admin.topicConfig(topic, [LARGEST]).catch(orNothing)
  return Number(config.get(LARGEST) ?? DEFAULT_MAX_MESSAGE_BYTES)
}

/** How the topic's old records are deleted. */
export async function cleanupPolicy(admin: Admin, topic: string, unknown: string): Promise<string> {
  return (await admin.topicConfig(topic, [CLEANUP]).catch(orNothing)).get(CLEANUP) ?? unknown
}

/** Without the right to DESCRIBE_CONFIGS, the topic counts as one that is configured like most. */
function orNothing(error: unknown): ReadonlyMap<string, string> {
  if (error instanceof BrokerError && error.code === 'not-authorized') return new Map()
  throw error
}

/** Gives the topic's dead-letter topic as many partitions. Resolves to that number, and whether there were fewer. */
export async function growDeadLetterTopic(
  admin: Admin,
  topic: string,
): Promise<{ readonly partitions: number; readonly hasGrown: boolean }> {
  const letters = deadLetterTopic(topic)
  const partitions = (await admin.partitions(topic)) ?? 0
  const hasGrown = ((await admin.partitions(letters)) ?? partitions) < partitions
  if (hasGrown) await admin.growTopic(letters, partitions)
  return { partitions, hasGrown }
}
