import { createHash } from 'node:crypto'
import { Admin } from '@platformatic/kafka'
import { createPricePublisher, detector, type ForewarmNode } from '../../../index.ts'
import { CorrelationsWriter } from '../../../producers/correlations.ts'
import { withAdmin } from '../../../src/broker/with-admin.ts'
import { UnwrittenLeaders } from '../../../src/correlation/kept/unwritten-leaders.ts'
import { Tracker } from '../../../src/correlation/tracker.ts'
import type { Bench, Figure } from '../../harness/bench.ts'
import { type BenchNode, startNode } from '../../stages/bench-node.ts'
import type { Stage } from '../../stages/stage.ts'
import { PAIRS, PARTITIONS } from '../../traffic/price-feed.ts'

/**
 * The cost of keeping what was learned, in three figures. A start takes until the node predicts what the one before did.
 * A pair takes bytes in the topic, and writing it takes a share of the time. Each pair is read with eight others, and
 * has a name of 42 characters.
 */
export const restart: Bench = { name: 'restart', cases }

const CHAINS = 60
const READS = 8
const ROUNDS = 12
const TOPIC = 'correlations'
const SERVICE_READ = 'restart'
/** A node commits once a second. */
const COMMITS = 20
const COMMIT_MS = 1_000

const NAMES = Array.from({ length: PAIRS }, (_, pair) => `0x${createHash('sha1').update(`${pair}`).digest('hex')}`)
const chainOf = (pair: number) => `chain-${pair % CHAINS}`
const followerOf = (pair: number, read: number) => (pair + read * CHAINS) % PAIRS
const numberOf = new Map(NAMES.map((name, pair) => [name, pair]))

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const topic = await stage.topic(PARTITIONS)
  const rounds: number[] = []
  for (let round = 0; round < stage.amount(stage.runs, 1); round++) rounds.push(await restarted(stage, topic))
  yield { kind: 'value', case: 'start until all is predicted as before', unit: 'ms', value: Math.max(...rounds) }
  yield { kind: 'value', case: 'bytes of a pair in the topic', unit: 'B', value: await bytesOfARecord(stage) }
  yield { kind: 'value', case: 'share of the time that writing takes', unit: '%', value: await writingShare(stage) }
}

async function restarted(stage: Stage, topic: string): Promise<number> {
  const service = stage.unique(SERVICE_READ)
  const start = (): Promise<BenchNode> => startNode(stage, { topic, service, detectors: [siblings] })
  const first = await start()
  await teach(stage, topic, first.node)
  const before = predicted(first.node)
  await first.close()
  const startMs = performance.now()
  const second = await start()
  const after = predicted(second.node)
  const ms = performance.now() - startMs
  await second.close()
  const wrong = [...before].filter(([edge, score]) => Math.abs((after.get(edge) ?? -1) - score) > 0.01)
  if (before.size !== PAIRS * READS || wrong.length > 0)
    throw new Error(`${before.size} edges were predicted before, ${wrong.length} of them not after`)
  return ms
}

const siblings = detector('siblings', {}, ({ chain, pair }, prices) => {
  const place = numberOf.get(pair) ?? 0
  for (let read = 1; read <= READS; read++) prices.get(chain, NAMES[followerOf(place, read)] ?? '')
})

async function teach(stage: Stage, topic: string, node: ForewarmNode): Promise<void> {
  const { broker } = await stage.backends()
  const producer = broker.producer()
  await producer.connect()
  const publisher = createPricePublisher({ producer, topic, partitions: PARTITIONS })
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const updates = NAMES.map((pair, place) => ({ pair, chain: chainOf(place), price: 1, eventTimeMs: Date.now() }))
      for (const update of updates) publisher.produce(update).catch(() => undefined)
      await publisher.flush()
      while (node.stats().updates < (round + 1) * PAIRS) await new Promise((resolve) => setTimeout(resolve, 5))
    }
  } finally {
    await publisher.close()
    await producer.close()
  }
}

function predicted(node: ForewarmNode): ReadonlyMap<string, number> {
  return new Map(
    NAMES.flatMap((leader, place) =>
      node.pairsToWarm(chainOf(place), leader).map(({ pair, score }) => [`${leader} ${pair}`, score] as const),
    ),
  )
}

/** The size of the topic on the broker's disk ÷ the records that were written to it. */
async function bytesOfARecord(stage: Stage): Promise<number> {
  const { broker, brokers } = await stage.backends()
  const offsets = await withAdmin(broker, (admin) => admin.offsets(TOPIC))
  const records = offsets.reduce((sum, { high }) => sum + Number(high), 0)
  const admin = new Admin({ clientId: 'bench-restart', bootstrapBrokers: [...brokers] })
  try {
    const partitions = offsets.map(({ partition }) => partition)
    const dirs = await admin.describeLogDirs({ topics: [{ name: TOPIC, partitions }] })
    const bytes = dirs
      .flatMap(({ results }) => results.flatMap((result) => result.topics.flatMap((each) => each.partitions)))
      .reduce((sum, { partitionSize }) => sum + Number(partitionSize), 0)
    return bytes / records
  } finally {
    await admin.close()
  }
}

/** Processor time of the whole process for a commit, in which every pair has changed, ÷ the time between two commits. */
async function writingShare(stage: Stage): Promise<number> {
  const { broker } = await stage.backends()
  const producer = broker.producer()
  await producer.connect()
  const tracker = new Tracker({ maxPairs: 100_000 })
  const names = { namesOf: (pair: number) => ({ chain: chainOf(pair), pair: NAMES[pair] ?? '' }), idOf: () => -1 }
  const unwritten = new UnwrittenLeaders({ tracker, names, service: stage.unique(SERVICE_READ), by: 'bench' })
  const written = { records: 0 }
  const writer = new CorrelationsWriter({
    ...{ producer, topic: TOPIC, partitions: () => PARTITIONS, unwritten },
    onWritten: (records) => {
      written.records += records
    },
    onFailed: (_, error) => {
      throw error
    },
  })
  const shares: number[] = []
  for (let commit = 0; commit < COMMITS; commit++) {
    for (let pair = 0; pair < PAIRS; pair++) change(tracker, pair, commit)
    const before = process.cpuUsage()
    await writer.writeSome()
    const { user, system } = process.cpuUsage(before)
    shares.push((user + system) / 1_000 / COMMIT_MS)
  }
  await producer.close()
  if (written.records < COMMITS * 200) throw new Error(`${written.records} records were written, more were expected`)
  return 100 * (shares.toSorted((a, b) => a - b)[shares.length >> 1] ?? 0)
}

/** Every second commit it reads half of the others alone, so that its rates never settle. */
function change(tracker: Tracker, pair: number, commit: number): void {
  for (let update = 0; update < 4; update++) {
    tracker.observe(pair)
    let edges = 0
    for (let read = 1; read <= (commit % 2 === 0 ? READS : READS / 2); read++)
      edges |= 1 << Math.max(0, tracker.read(pair, followerOf(pair, read), 40))
    tracker.settle(pair, edges)
  }
}
