import { expect, test } from '@jest/globals'
import { CorrelationsWriter } from '../../producers/correlations.ts'
import { BatchError } from '../../src/broker/batch-error.ts'
import { BrokerError, type OutgoingRecord, type Stored } from '../../src/broker/port.ts'
import type { KeptRecord, TakeLimits } from '../../src/correlation/kept/unwritten-leaders.ts'

const EACH = () => true

const recordOf = (n: number): KeptRecord => ({
  chain: `c${n}`,
  key: `s\0c${n}\0P`,
  value: Buffer.from('{}'),
  leader: n,
  left: 0,
})

/** A writer of so many leaders; each batch is stored when the test says so. */
function writerOf(leaders: number) {
  let waiting = Array.from({ length: leaders }, (_, n) => recordOf(n))
  const batches: (PromiseWithResolvers<readonly Stored[]> & { readonly records: readonly OutgoingRecord[] })[] = []
  const failures: unknown[] = []
  const taken: TakeLimits[] = []
  const written = { records: 0 }
  const topic = { partitions: 4 }
  const unwritten = {
    take: (limits: TakeLimits): KeptRecord[] => {
      taken.push(limits)
      return waiting.splice(0, limits.records)
    },
    putBack: (records: readonly KeptRecord[]) => {
      waiting = [...waiting, ...records]
      return 0
    },
  }
  const writer = new CorrelationsWriter({
    producer: {
      sendBatch: (_, records) => {
        const batch = { ...Promise.withResolvers<readonly Stored[]>(), records }
        batches.push(batch)
        return batch.promise
      },
    },
    ...{ topic: 'correlations', partitions: () => topic.partitions, unwritten },
    onWritten: (records) => {
      written.records += records
    },
    onFailed: (_, error) => failures.push(error),
  })
  return { writer, unwritten, batches, failures, taken, written, topic, left: () => waiting.length }
}

test('a commit writes a bounded number of leaders, and nothing while the last commit’s are in flight', async () => {
  const { writer, batches, written, taken } = writerOf(1_000)
  const first = writer.writeSome()
  const second = writer.writeSome()
  expect([batches.length, taken.length]).toEqual([1, 1])
  expect(batches[0]?.records.length).toBeLessThanOrEqual(256)
  batches[0]?.resolve([])
  await Promise.all([first, second])
  expect(written.records).toBe(batches[0]?.records.length)
  void writer.writeSome()
  expect(batches).toHaveLength(2)
})

test('records of one chain go to one partition, and those of many chains to all', async () => {
  const { writer, batches } = writerOf(200)
  void writer.writeSome()
  expect(new Set(batches[0]?.records.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2, 3]))
})

test('records go to the partitions that the topic has at the moment', async () => {
  const { writer, batches, topic } = writerOf(512)
  const first = writer.writeSome()
  batches[0]?.resolve([])
  await first
  topic.partitions = 2
  void writer.writeSome()
  expect(new Set(batches[1]?.records.map(({ partition }) => partition))).toEqual(new Set([0, 1]))
})

test('of a batch that is stored in part, only the records that are not stored are put back', async () => {
  const { writer, batches, left, written } = writerOf(100)
  const writing = writer.writeSome()
  const error = new BrokerError('too-large', 'too large', { retriable: false })
  batches[0]?.reject(new BatchError(new Map([[7, error]]), []))
  await writing
  expect([left(), written.records]).toEqual([1, 99])
})

test('what is not stored is put back, told once for the batch, and never rejects', async () => {
  const { writer, batches, failures, left, written } = writerOf(100)
  const writing = writer.writeSome()
  const error = new Error('no leader')
  batches[0]?.reject(error)
  await writing
  expect([left(), written.records, failures]).toEqual([100, 0, [error]])
})

test('an exception in what collects the records ends at the writer', async () => {
  const { writer, unwritten, failures } = writerOf(1)
  const bug = new Error('a bug')
  unwritten.take = () => {
    throw bug
  }
  await writer.writeSome()
  await writer.writeAll(Number.POSITIVE_INFINITY, EACH)
  expect(failures).toEqual([bug, bug])
})

test('at the end all leaders are written, but none once it is late', async () => {
  const all = writerOf(2_000)
  const writing = all.writer.writeAll(Number.POSITIVE_INFINITY, EACH)
  const storing = setInterval(() => {
    for (const batch of all.batches) batch.resolve([])
  }, 1)
  await writing
  clearInterval(storing)
  expect([all.left(), all.written.records]).toEqual([0, 2_000])
  const late = writerOf(10)
  await late.writer.writeAll(0, EACH)
  expect(late.batches).toEqual([])
})
