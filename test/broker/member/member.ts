import { writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { MemberOptions } from './member-process.ts'

/**
 * A member of a group, as a process of its own. It writes a line when a record begins to be handled, before it does
 * anything else, and one for each event. It stops on SIGTERM.
 */
const { timing, topics, groupId, batchRecords } = JSON.parse(process.argv[2] ?? '') as MemberOptions

const broker = createKafkaBroker(timing)
const consumer = broker.consumer({
  mode: 'group',
  groupId,
  topics,
  start: { at: 'committed', otherwise: 'earliest' },
  onBatch: async (batch, { signal }) => {
    const end = Math.min(batch.count, batchRecords ?? batch.count)
    for (let index = 0; index < end; index++) {
      if (signal.aborted) return index
      say({ partition: batch.partition, offset: Number(batch.offset(index)), value: String(batch.value(index)) })
      await nextTurn()
    }
    return end
  },
  onEvent: (event) => say({ event }),
})

/** It has left the process when this returns: `process.stdout` would keep some of it while the process is frozen. */
function say(line: object): void {
  const text = JSON.stringify(line, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
  writeSync(1, `${text}\n`)
}

process.once('SIGTERM', () => {
  void consumer.stop().then(() => broker.close())
})
await consumer.start()
say({ started: true })
