import { describe, expect, test } from '@jest/globals'
import { type FetchedPartition, type FetchFrom, fetchRequest } from '../../../../src/broker/kafka/wire/fetch.ts'
import { ByteReader, MalformedAnswer } from '../../../../src/broker/kafka/wire/reader.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'
import { decodeAnswer, encodeAnswer, VERSIONS } from './fetch-answers.ts'

const ID = '0123456789abcdef0123456789abcdef'
const OTHER_ID = 'f'.repeat(32)

function partition(fields: Partial<FetchedPartition> = {}): FetchedPartition {
  return {
    ...{ topic: ID, partition: 0, error: 0, highWatermark: 2n ** 40n, stableEnd: 5n, aborted: [], leader: undefined },
    ...{ records: Buffer.alloc(0), ...fields },
  }
}

const ANSWERS: readonly (readonly [what: string, partitions: readonly FetchedPartition[]])[] = [
  ['no partition', []],
  ['a partition without records', [partition()]],
  [
    'partitions of several topics',
    [
      partition({ partition: 3, records: Buffer.from('records of three') }),
      partition({ partition: 4, error: 1, highWatermark: -1n, stableEnd: -1n }),
      partition({ topic: OTHER_ID, records: Buffer.alloc(70_000, 9) }),
    ],
  ],
  [
    'aborted transactions',
    [
      partition({
        aborted: [
          { producerId: 2n ** 62n, firstOffset: 9n },
          { producerId: 1n, firstOffset: 0n },
        ],
        records: Buffer.from('records'),
      }),
      partition({ partition: 1, aborted: [{ producerId: 1n, firstOffset: 0n }] }),
    ],
  ],
]

describe.each(VERSIONS)('an answer to a fetch of version %i', (version) => {
  test.each(ANSWERS)('is decoded: %s', (_, partitions) => {
    const bytes = encodeAnswer(version, { throttleMs: 20, error: 0, partitions })
    expect(decodeAnswer(version, bytes)).toEqual({ throttleMs: 20, error: 0, partitions })
  })

  test('has an error of its own', () => {
    const bytes = encodeAnswer(version, { error: 71, partitions: [] })
    expect(decodeAnswer(version, bytes)).toEqual({ throttleMs: 0, error: 71, partitions: [] })
  })

  test('shares its bytes with the records', () => {
    const bytes = encodeAnswer(version, { error: 0, partitions: [partition({ records: Buffer.from('records') })] })
    const [decoded] = decodeAnswer(version, bytes).partitions
    bytes.fill(0)
    expect(decoded?.records).toEqual(Buffer.alloc(7))
  })

  test('that is cut off anywhere before its last tagged fields is malformed', () => {
    const partitions = [
      partition({ records: Buffer.from('records'), aborted: [{ producerId: 1n, firstOffset: 0n }], leader: 4 }),
    ]
    const bytes = encodeAnswer(version, { error: 0, partitions })
    const needed = bytes.length - (version >= 12 ? 1 : 0)
    for (let length = 0; length < needed; length++)
      expect(() => decodeAnswer(version, bytes.subarray(0, length))).toThrow(MalformedAnswer)
  })

  test('has null in place of records or aborted transactions, which is none', () => {
    const bytes = encodeAnswer(version, { error: 0, partitions: [partition()] })
    // Both are the last of the partition, before and behind the replica to read from, which is -1.
    const [lengthBytes, tailBytes] = version >= 12 ? [1, 3] : [4, 0]
    const recordsAt = bytes.length - tailBytes - lengthBytes
    for (const at of [recordsAt, recordsAt - 4 - lengthBytes]) bytes.fill(version >= 12 ? 0 : 255, at, at + lengthBytes)
    expect(decodeAnswer(version, bytes).partitions).toEqual([partition()])
  })
})

test.each(VERSIONS.slice(1))(
  'the tagged fields of version %i name the leader of a partition that has moved',
  (version) => {
    const partitions = [partition({ error: 6, leader: 12 }), partition({ partition: 1 })]
    expect(decodeAnswer(version, encodeAnswer(version, { error: 0, partitions })).partitions).toEqual(partitions)
  },
)

test('a leader that is longer than its tagged field is malformed', () => {
  const bytes = encodeAnswer(12, { error: 0, partitions: [partition({ leader: 12 })] })
  // Tag 1, nine bytes: four of the leader, four of its epoch, no tagged fields of their own.
  const at = bytes.lastIndexOf(Buffer.from([1, 9, 0, 0, 0, 12]))
  bytes[at + 1] = 3
  expect(() => decodeAnswer(12, bytes)).toThrow('more than the 3 bytes of tagged field 1')
})

describe.each(VERSIONS)('a fetch of version %i', (version) => {
  const from: FetchFrom[] = [
    { topic: 'prices', id: ID, partition: 7, offset: 2n ** 33n },
    { topic: 'ś'.repeat(100), id: OTHER_ID, partition: 0, offset: 0n },
    { topic: 'prices', id: ID, partition: 1, offset: 5n },
  ]
  const request = fetchRequest({ version, from, maxWaitMs: 250, maxBytes: 4_000_000, maxBytesPerPartition: 1_000_000 })

  test('asks for committed records of each partition, topic by topic', () => {
    const writer = new RequestWriter(request.bytes)
    request.encode(writer)
    const reader = new ByteReader(writer.written)
    const isFlexible = version >= 12
    if (version < 15) expect(reader.int32()).toBe(-1)
    expect([reader.int32(), reader.int32(), reader.int32(), reader.int8()]).toEqual([250, 1, 4_000_000, 1])
    expect([reader.int32(), reader.int32()]).toEqual([0, -1])
    const array = <T>(element: () => T): T[] => (isFlexible ? reader.compactArray(element) : reader.array(element))
    const string = () => (isFlexible ? reader.compactString() : reader.string())
    const topics = array(() => {
      const topic = version >= 13 ? reader.uuid() : string()
      const partitions = array(() => {
        const number = reader.int32()
        expect(reader.int32()).toBe(-1)
        const offset = reader.int64()
        if (isFlexible) expect(reader.int32()).toBe(-1)
        expect([reader.int64(), reader.int32()]).toEqual([-1n, 1_000_000])
        if (isFlexible) reader.tags()
        return { partition: number, offset }
      })
      if (isFlexible) reader.tags()
      return { topic, partitions }
    })
    const name = ({ topic, id }: FetchFrom) => (version >= 13 ? id : topic)
    expect(topics).toEqual([
      {
        topic: name(from[0] as FetchFrom),
        partitions: [
          { partition: 7, offset: 2n ** 33n },
          { partition: 1, offset: 5n },
        ],
      },
      { topic: name(from[1] as FetchFrom), partitions: [{ partition: 0, offset: 0n }] },
    ])
    expect([array(() => undefined), string()]).toEqual([[], ''])
    if (isFlexible) reader.tags()
    expect(reader.at).toBe(writer.position)
    expect(writer.position).toBeLessThanOrEqual(request.bytes)
  })
})
