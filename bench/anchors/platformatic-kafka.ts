import { Consumer } from '@platformatic/kafka'
import type { Backlog, ReaderStage } from '../stages/stage.ts'
import { StopWatch } from '../stages/stop-watch.ts'

/** With its default of 50 MB it is several times slower. */
const MAX_BYTES = 2 ** 20

/** Parses each record of a backlog as JSON; resolves to milliseconds. */
export async function catchUpPlatformatic(
  stage: ReaderStage,
  { topic, updates, updatesPerRecord }: Backlog,
): Promise<number> {
  const { brokers } = await stage.backends()
  const consumer = new Consumer({
    clientId: 'bench-platformatic',
    groupId: stage.unique('platformatic'),
    bootstrapBrokers: [...brokers],
    autocommit: false,
    maxBytes: MAX_BYTES,
    maxWaitTime: 100,
  })
  const watch = new StopWatch(updates / updatesPerRecord)
  const failed = Promise.withResolvers<never>()
  try {
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
    stream.on('error', failed.reject)
    stream.on('data', ({ value }) => {
      watch.begin()
      JSON.parse(value.toString())
      watch.handled(1)
    })
    return await Promise.race([watch.finished(), failed.promise])
  } finally {
    await consumer.close(true)
  }
}
