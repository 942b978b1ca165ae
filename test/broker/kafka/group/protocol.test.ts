import { expect, test } from '@jest/globals'
import { AssignerProtocol } from 'kafkajs'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../src/broker/kafka/group/protocol.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'

const OWNED = [
  { topic: 'prices', partition: 3 },
  { topic: 'prices', partition: 7 },
  { topic: 'über', partition: 0 },
]

test('a subscription comes back as it was written', () => {
  const subscription = { topics: ['prices', 'über'], owned: OWNED, generation: 12 }
  expect(decodeSubscription(encodeSubscription(subscription))).toEqual(subscription)
})

test('a subscription of version 0, as KafkaJS writes it, owns nothing', () => {
  const metadata = AssignerProtocol.MemberMetadata.encode({
    version: 0,
    topics: ['prices'],
    userData: Buffer.from('x'),
  })
  expect(decodeSubscription(metadata)).toEqual({ topics: ['prices'], owned: [], generation: -1 })
})

test('a subscription of version 1 that leaves out what it owns, as KafkaJS writes it, owns nothing', () => {
  const metadata = AssignerProtocol.MemberMetadata.encode({ version: 1, topics: ['prices'], userData: Buffer.alloc(0) })
  expect(decodeSubscription(metadata)).toEqual({ topics: ['prices'], owned: [], generation: -1 })
})

test('subscriptions of versions 0 to 3, each with fields of its own behind those of the last, are read', () => {
  const topics = ['prices']
  const none = encodeSubscription({ topics, owned: [], generation: 2 })
  const written = encodeSubscription({ topics, owned: OWNED, generation: 2 })
  /** Without the rack, the generation, the owned partitions. */
  const ends = [none.length - 2 - 4 - 4, written.length - 2 - 4, written.length - 2, written.length]
  const read = ends.map((end, version) => {
    const metadata = Buffer.from(written.subarray(0, end))
    metadata.writeInt16BE(version, 0)
    return decodeSubscription(metadata)
  })
  expect(read).toEqual([
    { topics, owned: [], generation: -1 },
    { topics, owned: OWNED, generation: -1 },
    { topics, owned: OWNED, generation: 2 },
    { topics, owned: OWNED, generation: 2 },
  ])
})

test('a subscription of a version above ours is read as far as it is known', () => {
  const written = Buffer.concat([
    encodeSubscription({ topics: ['prices'], owned: OWNED, generation: 2 }),
    Buffer.from('more'),
  ])
  written.writeInt16BE(9, 0)
  expect(decodeSubscription(written)).toEqual({ topics: ['prices'], owned: OWNED, generation: 2 })
})

test('a subscription that ends too early is refused with the place', () => {
  const written = encodeSubscription({ topics: ['prices'], owned: OWNED, generation: 2 })
  for (let end = 1; end < 40; end++)
    if (end < 2 + 4 + 2 + 6) expect(() => decodeSubscription(written.subarray(0, end))).toThrow(/at byte \d+/)
})

test('an assignment comes back as it was written, with and without more to come', () => {
  for (const isMoreToCome of [true, false])
    expect(decodeAssignment(encodeAssignment({ partitions: OWNED, isMoreToCome }))).toEqual({
      partitions: OWNED,
      isMoreToCome,
    })
})

test('our assignment is read by KafkaJS, and its assignment by us', () => {
  const ours = AssignerProtocol.MemberAssignment.decode(encodeAssignment({ partitions: OWNED, isMoreToCome: true }))
  expect(ours?.assignment).toEqual({ prices: [3, 7], über: [0] })
  const theirs = AssignerProtocol.MemberAssignment.encode({
    version: 1,
    assignment: { prices: [3, 7] },
    userData: Buffer.alloc(0),
  })
  expect(decodeAssignment(theirs).partitions).toEqual(OWNED.slice(0, 2))
})

test('an empty assignment assigns nothing', () => {
  expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: [], isMoreToCome: false })
})

test('the writer of requests has unsigned varints and compact strings as the protocol has them', () => {
  const writer = new RequestWriter(64)
  writer.unsignedVarint(300)
  writer.compactString('ü')
  expect([...writer.written]).toEqual([0xac, 0x02, 3, 0xc3, 0xbc])
})
