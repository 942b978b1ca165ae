import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format } from '../../../index.ts'
import type { OutgoingRecord } from '../../../src/broker/port.ts'
import type { Bench, Figure } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import { median } from '../../harness/quantile.ts'
import { catchUp } from '../../stages/bench-node.ts'
import { COMMAND } from '../../stages/command.ts'
import { catchUpRaw } from '../../stages/raw-kafka.ts'
import type { Backlog, Stage } from '../../stages/stage.ts'
import { PARTITIONS, partitionAt, updateAt } from '../../traffic/price-feed.ts'
import { avroFigures } from './avro.ts'
import { ownFormat } from './own.ts'
import { protobufDecoding } from './protobuf.ts'
import { schemaFigures } from './schemas.ts'

/** How many records of somebody else's a second go through a whole node, against KafkaJS and picks by hand. */
export const formats: Bench = { name: 'formats', cases }

const MAPPING = {
  chain: 'v',
  pair: 's',
  price: { mid: ['b', 'a'] },
  bid: 'b',
  ask: 'a',
  sequence: 'u',
  eventTimeMs: 'E',
}
const RECORDS_A_REQUEST = 4_000
const INFERRED = 500

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const quotes = await fillQuotes(stage, stage.amount(1_000_000, 60_000))
  yield* await contest(stage, {
    unit: 'updates/s',
    better: 'higher',
    rounds: stage.amount(stage.runs, 2),
    anchor: 'raw KafkaJS eachBatch, JSON.parse and picks by hand',
    measureAnchor: async () => (quotes.updates * 1000) / (await catchUpRaw(stage, quotes, picked)),
    ours: { 'flat JSON of 8 fields, through a mapping': () => readAsNode(stage, quotes) },
  })
  yield* await ownFormat(stage)
  yield {
    kind: 'value',
    case: 'format infer, 500 records, from the command to the proposal',
    unit: 'ms',
    value: await inferMs(stage.amount(stage.runs, 2)),
  }
  yield* await avroFigures(stage)
  yield* await protobufDecoding(stage)
  yield* schemaFigures()
}

/** A quote of an exchange, as the feed's update at a place. */
function quoteAt(index: number, eventTimeMs: number): string {
  const { chain, pair, price, sequence } = updateAt(index, eventTimeMs)
  const sides = { b: (price - 0.05).toFixed(4), B: '1.2000', a: (price + 0.05).toFixed(4), A: '0.4000' }
  return JSON.stringify({ s: pair, v: chain, ...sides, u: sequence, E: eventTimeMs })
}

async function fillQuotes(stage: Stage, updates: number): Promise<Backlog> {
  const topic = await stage.topic(PARTITIONS)
  const { broker } = await stage.backends()
  const producer = broker.producer()
  await producer.connect()
  const firstMs = Date.now() - updates
  for (let sent = 0; sent < updates; ) {
    const records: OutgoingRecord[] = []
    for (const end = Math.min(updates, sent + RECORDS_A_REQUEST); sent < end; sent++)
      records.push({ partition: partitionAt(sent), value: quoteAt(sent, firstMs + sent), key: updateAt(sent, 0).chain })
    await producer.sendBatch(topic, records)
  }
  await producer.close()
  return { topic, updates, updatesPerRecord: 1 }
}

/** What a program without Forewarm does with each quote. */
function picked({ s, v, b, a, u, E }: Readonly<Record<string, string | number>>): object {
  const [bid, ask] = [Number(b), Number(a)]
  return { pair: s, chain: v, price: (bid + ask) / 2, bid, ask, sequence: u, eventTimeMs: E }
}

async function readAsNode(stage: Stage, quotes: Backlog): Promise<number> {
  const { emptyRedis } = await stage.backends()
  await emptyRedis()
  const ms = await catchUp(stage, { ...quotes, formats: [format(quotes.topic, MAPPING)] })
  return (quotes.updates * 1000) / ms
}

async function inferMs(runs: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'forewarm-bench-formats-'))
  const file = join(folder, 'quotes.ndjson')
  const now = Date.now()
  await writeFile(file, Array.from({ length: INFERRED }, (_, at) => `${quoteAt(at, now + at)}\n`).join(''))
  const took: number[] = []
  try {
    for (let run = 0; run < runs; run++) {
      const startMs = performance.now()
      const child = spawn(process.execPath, [COMMAND, 'format', 'infer', 'quotes', '--file', file], {
        stdio: 'ignore',
        cwd: folder,
      })
      const [code] = await once(child, 'exit')
      if (code !== 0) throw new Error(`format infer ended with code ${code}`)
      took.push(performance.now() - startMs)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  return median(took)
}
