import { encodePriceJson } from '../../../schemas/price-json.ts'
import type { OutgoingRecord } from '../../../src/broker/port.ts'
import type { Figure } from '../../harness/bench.ts'
import { startProcess } from '../../stages/own-process.ts'
import type { Backlog, Stage } from '../../stages/stage.ts'
import type { PairsHeld, PairsTask } from './pairs-process.ts'

const PROCESS = new URL('./pairs-process.ts', import.meta.url)
const FEW = 1_000
const PARTITIONS = 12
const CHAINS = 60
const UPDATES_A_RECORD = 100
const RECORDS_A_REQUEST = 60

/** The memory of a node that knows so many pairs and has all of them in L1, less that of one that knows few. */
export async function* memory(stage: Stage): AsyncIterable<Figure> {
  const few = await held(stage, FEW)
  for (const pairs of stage.quick ? [100_000] : [100_000, 1_000_000]) {
    const many = await held(stage, pairs)
    const of = `of a node, ${pairs.toLocaleString('en')} pairs`
    const aPair = (key: keyof PairsHeld): number => (many[key] - few[key]) / (pairs - FEW)
    yield { kind: 'value', case: `memory ${of}`, unit: 'MB', value: many.residentBytes / 2 ** 20 }
    yield { kind: 'value', case: `memory a pair ${of}`, unit: 'B', value: aPair('residentBytes') }
    yield { kind: 'value', case: `heap a pair ${of}`, unit: 'B', value: aPair('heapBytes') }
  }
}

async function held(stage: Stage, pairs: number): Promise<PairsHeld> {
  const { brokers, redisUrl, emptyRedis } = await stage.backends()
  await emptyRedis()
  const task: PairsTask = { backlog: await filled(stage, pairs), backends: { brokers, redisUrl } }
  const child = startProcess<PairsHeld>(PROCESS, task)
  return child.answer.finally(() => child.end())
}

/** One update of each pair. The pairs of a record are of one chain. */
async function filled(stage: Stage, pairs: number): Promise<Backlog> {
  const topic = await stage.topic(PARTITIONS)
  const { broker } = await stage.backends()
  const producer = broker.producer()
  await producer.connect()
  const eventTimeMs = Date.now()
  const recordOf = (first: number): OutgoingRecord => {
    const chain = `chain-${(first / UPDATES_A_RECORD) % CHAINS}`
    const updates = Array.from({ length: UPDATES_A_RECORD }, (_, at) => {
      const pair = `${chain}:0x${(first + at).toString(16).padStart(8, '0')}`
      return { chain, pair, price: 1000 + first, eventTimeMs }
    })
    return { partition: (first / UPDATES_A_RECORD) % PARTITIONS, key: chain, value: encodePriceJson(updates) }
  }
  for (let first = 0; first < pairs; first += UPDATES_A_RECORD * RECORDS_A_REQUEST) {
    const count = Math.min(RECORDS_A_REQUEST, (pairs - first) / UPDATES_A_RECORD)
    const records = Array.from({ length: count }, (_, at) => recordOf(first + at * UPDATES_A_RECORD))
    await producer.sendBatch(topic, records)
  }
  await producer.close()
  return { topic, updates: pairs, updatesPerRecord: UPDATES_A_RECORD }
}
