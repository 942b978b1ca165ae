import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Bench, Figure } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import { startProcess } from '../../stages/own-process.ts'
import type { Stage } from '../../stages/stage.ts'
import { fillTopic, PARTITIONS } from '../../traffic/price-feed.ts'
import type { ObservedTask } from './observed-process.ts'
import { perMessage } from './per-message.ts'
import { bounded, flat, scraped } from './table.ts'

/**
 * What it costs to see what a node does. A node that catches up is measured with counters, scrapes and sampled spans, and
 * without. A message is measured against the plain SDK. Then come a scrape and the memory of the table.
 */
export const telemetry: Bench = { name: 'telemetry', cases }

const SAMPLED = 0.01
const FRAME = 100

async function* cases(stage: Stage): AsyncIterable<Figure> {
  yield* await perMessage(stage)
  yield* await scraped(stage)
  yield* flat(stage)
  yield* bounded(stage)
  yield* await pipelines(stage)
}

async function pipelines(stage: Stage): Promise<readonly Figure[]> {
  const content = { updates: stage.amount(1_500_000, 120_000), updatesPerRecord: FRAME, encoding: 'json' } as const
  const backlog = await fillTopic(stage, { ...content, topic: await stage.topic(PARTITIONS) })
  const receiver = await startReceiver()
  const traces = { endpoint: receiver.endpoint, ratio: SAMPLED }
  const run = (what: Pick<ObservedTask, 'metrics' | 'traces'>) => async () => {
    const { brokers, redisUrl, emptyRedis } = await stage.backends()
    await emptyRedis()
    const task: ObservedTask = { ...what, backlog, backends: { brokers, redisUrl } }
    const process = startProcess<number>(new URL('./observed-process.ts', import.meta.url), task)
    try {
      return (backlog.updates * 1000) / (await process.answer)
    } finally {
      await process.end()
    }
  }
  try {
    return await contest(stage, {
      unit: 'updates/s',
      better: 'higher',
      rounds: stage.amount(2 * stage.runs + 1, 2),
      anchor: 'counts nothing, not scraped',
      measureAnchor: run({ metrics: 'off' }),
      ours: {
        'metrics, scraped every second': run({ metrics: 'on' }),
        'metrics, and traces sampled at 1 %': run({ metrics: 'on', traces }),
      },
    })
  } finally {
    await receiver.close()
  }
}

/** Takes whatever spans come. */
async function startReceiver(): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
