import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { encodePriceJson } from '../../schemas/price-json.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { pairKey, partitionOf } from '../../schemas/topics.ts'
import type { OutgoingRecord } from '../../src/broker/port.ts'
import type { Backlog, Stage } from '../stages/stage.ts'

/** Both sides of every Kafka bench use this: 5,000 pairs in 60 chains over 12 partitions, 115 B an update as JSON. */
export const PAIRS = 5_000
export const CHAINS = 60
export const PARTITIONS = 12

/** Updates of one request while a topic is filled. They stay below a megabyte, even if all are in one partition. */
const UPDATES_A_REQUEST = 4_000

const CHAIN_NAMES = Array.from({ length: CHAINS }, (_, chain) => `chain-${String(chain).padStart(2, '0')}`)
const PARTITION_OF_CHAIN = CHAIN_NAMES.map((chain) => partitionOf(chain, PARTITIONS))
const PAIR_NAMES = Array.from(
  { length: PAIRS },
  (_, pair) => `${CHAIN_NAMES[pair % CHAINS]}:0x${pair.toString(16).padStart(8, '0')}`,
)

/** The feed's update at a place: pair after pair, and so chain after chain. */
export function updateAt(index: number, eventTimeMs: number): PriceUpdate {
  const pair = index % PAIRS
  return priceOf(pair, index, eventTimeMs)
}

/** The partition of the update at a place. */
export function partitionAt(index: number): number {
  return PARTITION_OF_CHAIN[(index % PAIRS) % CHAINS] ?? 0
}

/** The place of the chain's next pair; the first follows the last. */
export function nextInChain(index: number): number {
  const pair = index % PAIRS
  return pair + CHAINS < PAIRS ? pair + CHAINS : pair % CHAINS
}

function priceOf(pair: number, sequence: number, eventTimeMs: number): PriceUpdate {
  return {
    pair: PAIR_NAMES[pair] ?? '',
    chain: CHAIN_NAMES[pair % CHAINS] ?? '',
    price: 1000 + (sequence % 9973) / 10_000,
    eventTimeMs,
    sequence,
  }
}

export interface Feed extends Backlog {
  readonly encoding: 'json' | 'avro'
}

/**
 * Fills a topic. Event times rise by a millisecond an update and end now: later ones would be refused. Each record
 * belongs to the next chain. A frame holds the next updates of its chain, so all frames are full.
 */
export async function fillTopic(stage: Stage, feed: Feed): Promise<Feed> {
  const { broker } = await stage.backends()
  const producer = broker.producer()
  await producer.connect()
  const firstMs = Date.now() - feed.updates
  const nextPairs = CHAIN_NAMES.map((_, chain) => chain)
  for (let sent = 0; sent < feed.updates; ) {
    const records: OutgoingRecord[] = []
    const end = Math.min(feed.updates, sent + UPDATES_A_REQUEST)
    for (; sent < end; sent += feed.updatesPerRecord) {
      const chain = (sent / feed.updatesPerRecord) % CHAINS
      records.push(recordOf(feed, chain, nextOfChain(nextPairs, chain, { feed, sequence: sent, firstMs })))
    }
    await producer.sendBatch(feed.topic, records)
  }
  await producer.close()
  return feed
}

interface NextOptions {
  readonly feed: Feed
  readonly sequence: number
  readonly firstMs: number
}

function nextOfChain(nextPairs: number[], chain: number, { feed, sequence, firstMs }: NextOptions): PriceUpdate[] {
  return Array.from({ length: feed.updatesPerRecord }, (_, i) => {
    const pair = nextPairs[chain] ?? chain
    nextPairs[chain] = nextInChain(pair)
    return priceOf(pair, sequence + i, firstMs + sequence + i)
  })
}

function recordOf(
  { updatesPerRecord, encoding }: Feed,
  chain: number,
  updates: readonly PriceUpdate[],
): OutgoingRecord {
  const [first] = updates
  const value = updatesPerRecord === 1 && first !== undefined ? first : updates
  const name = CHAIN_NAMES[chain] ?? ''
  return {
    partition: PARTITION_OF_CHAIN[chain] ?? 0,
    key: updatesPerRecord === 1 && first !== undefined ? pairKey(name, first.pair) : name,
    value: encoding === 'json' ? encodePriceJson(value) : encodePriceAvro(value),
  }
}
