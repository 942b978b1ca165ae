import { describe, expect, test } from '@jest/globals'
import { DetectorOutputs } from '../../producers/detector-outputs.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { BatchError } from '../../src/broker/batch-error.ts'
import { BrokerError, type OutgoingRecord, type Producer, type Stored } from '../../src/broker/port.ts'
import { settled } from '../harness/manual-timer.ts'

const AWAY = new BrokerError('unreachable', 'no leader', { retriable: true })
const TOO_LARGE = new BrokerError('too-large', 'a large record', { retriable: false })
const CLOSED = new BrokerError('closed', 'the producer is closed', { retriable: false })

/** Stores what it is given, in batches, unless it is to fail. */
function stage(options: { readonly maxRecords?: number; readonly maxChars?: number } = {}) {
  const batches: (readonly OutgoingRecord[])[] = []
  const failures: (Error | undefined)[] = []
  const slept: number[] = []
  const held: BrokerError[] = []
  const producer: Producer = {
    connect: async () => undefined,
    partitions: async () => 4,
    flush: async () => undefined,
    close: async () => undefined,
    sendBatch: async (_, records): Promise<readonly Stored[]> => {
      const failure = failures.shift()
      if (failure instanceof BatchError) batches.push(records.filter((_, place) => !failure.failures.has(place)))
      if (failure !== undefined) throw failure
      batches.push(records)
      return []
    },
  }
  const outputs = new DetectorOutputs({
    ...{ producer, ...options, partitions: new Map([['found', 4]]) },
    sleep: async (ms) => void slept.push(ms),
    onHeldUp: (_, error) => held.push(error),
  })
  const send = (value: string, chain = 'ethereum') => outputs.send('found', chain, { key: `${chain}\0A`, value })
  return {
    ...{ outputs, send, failures, slept, held, batches },
    values: () => batches.map((of) => of.map((r) => r.value)),
  }
}

describe('outputs of detectors', () => {
  test('that are found in one task go together to the partition of their chain', async () => {
    const { send, batches, values } = stage()
    expect(await Promise.all([send('1'), send('2')])).toEqual([undefined, undefined])
    expect(values()).toEqual([['1', '2']])
    expect(batches[0]?.map(({ partition }) => partition)).toEqual(Array(2).fill(partitionOf('ethereum', 4)))
  })

  test('that Kafka does not take now are sent again before later ones, ever less often', async () => {
    const { send, failures, values, slept, held } = stage()
    failures.push(...Array(9).fill(AWAY))
    const first = send('1')
    await settled()
    await Promise.all([first, send('2'), send('3')])
    expect(values().flat()).toEqual(['1', '2', '3'])
    expect(slept).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
    expect(held).toHaveLength(9)
  })

  test('that Kafka will never take are refused, and those beside them are stored', async () => {
    const { send, failures, values, slept } = stage()
    failures.push(new BatchError(new Map([[1, TOO_LARGE]]), []))
    expect(await Promise.all([send('1'), send('2'), send('3')])).toEqual([undefined, TOO_LARGE, undefined])
    expect([values(), slept]).toEqual([[['1', '3']], []])
  })

  test('have room until so many records or characters wait, and again when they are stored', async () => {
    for (const limit of [{ maxRecords: 2 }, { maxChars: 8 }]) {
      const { outputs, send } = stage(limit)
      const sent = [send('1234')]
      expect(outputs.room()).toBeUndefined()
      sent.push(send('5678'))
      const room = outputs.room()
      expect(room).toBeInstanceOf(Promise)
      await Promise.all([room, ...sent])
      expect(outputs.room()).toBeUndefined()
    }
  })

  test('stay pending when the node closes, or its producer is closed, so that no offset moves beyond them', async () => {
    for (const failure of [AWAY, CLOSED]) {
      const { outputs, send, failures, values } = stage()
      failures.push(failure)
      let isSettled = false
      void send('1').then(() => {
        isSettled = true
      })
      outputs.close()
      await settled()
      expect([isSettled, values()]).toEqual([false, []])
    }
  })
})
