import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Led, type StartOptions, startsOf } from '../../../../src/broker/kafka/fetch/offsets.ts'
import type { WireConnection, WireRequest } from '../../../../src/broker/kafka/wire/connection.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'
import { BrokerError } from '../../../../src/broker/port.ts'
import { askedOffsets } from '../wire/asked-offsets.ts'

const FROM_THE_FIRST: StartOptions = {
  ...{ start: { at: 'earliest' }, known: new Map(), isMoving: false },
  ...{ isNew: () => false, isFound: () => false },
}
const PARTITIONS = [led(0, 1), led(1, 2), led(2, 1)]

let failures: Map<number, Error>
/** What a partition answers instead of an offset. */
let errors: Map<number, number>
/** The leaders that were asked. */
let asked: number[]

beforeEach(() => {
  ;[failures, errors, asked] = [new Map(), new Map(), []]
})

function led(partition: number, leader: number): Led {
  return { topic: 'prices', partition, leader }
}

/** Every log has the offsets 3 to 7. */
const cluster = {
  send: async <T>(leader: number, _: string, request: (connection: WireConnection) => WireRequest<T>): Promise<T> => {
    asked.push(leader)
    const failure = failures.get(leader)
    if (failure !== undefined) throw failure
    const wire = request({} as WireConnection)
    const writer = new RequestWriter(wire.bytes)
    wire.encode(writer)
    return askedOffsets(writer.written).map(({ partition, timestampMs }) => {
      const error = errors.get(partition) ?? 0
      const offset = timestampMs === -2n ? 3n : 7n
      return { topic: 'prices', partition, error, offset: error === 0 ? offset : undefined }
    }) as T
  },
}

async function starts(partitions: readonly Led[] = PARTITIONS): Promise<unknown> {
  const found = await startsOf(cluster, partitions, FROM_THE_FIRST)
  return found.map(({ partition, position }) => [partition, position])
}

describe('the starts of partitions that are taken together', () => {
  test('are known for all if all leaders answer', async () => {
    expect(await starts()).toEqual([
      [0, 3n],
      [1, 3n],
      [2, 3n],
    ])
  })

  test.each([
    ['cannot be reached', Object.assign(new Error('refused'), { name: 'KafkaJSConnectionError' })],
    ['is not in the metadata', new BrokerError('unreachable', 'broker 2 is not known', { retriable: true })],
    ['does not answer in time', new Error('ListOffsets was not answered within 30000 ms')],
  ])('leave out those whose leader %s, and it is asked once', async (_, failure) => {
    failures.set(2, failure)
    expect(await starts()).toEqual([
      [0, 3n],
      [2, 3n],
    ])
    expect(asked.filter((leader) => leader === 2)).toEqual([2])
  })

  test.each([
    ['LEADER_NOT_AVAILABLE', 5],
    ['NOT_LEADER_FOR_PARTITION', 6],
    ['OFFSET_NOT_AVAILABLE', 78],
    ['UNKNOWN_SERVER_ERROR', -1],
  ])('leave out a partition that answers %s, but not others of its leader', async (_, error) => {
    errors.set(0, error)
    expect(await starts()).toEqual([
      [1, 3n],
      [2, 3n],
    ])
  })

  test('are none if no partition has a leader', async () => {
    failures.set(-1, new BrokerError('unreachable', 'broker -1 is not known', { retriable: true }))
    expect(await starts([led(0, -1), led(1, -1)])).toEqual([])
  })

  test('are rejected with an error of one partition that does not pass', async () => {
    errors.set(1, 29)
    await expect(starts()).rejects.toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED' })
  })

  test('are rejected if the client was closed', async () => {
    failures.set(2, new BrokerError('closed', 'this client was closed', { retriable: false }))
    await expect(starts()).rejects.toThrow('this client was closed')
  })
})
