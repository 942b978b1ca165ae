import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import kafkajs from 'kafkajs'
import { chainOfKey, deadLetterTopic, murmur2, pairKey, partitionOf } from '../../schemas/topics.ts'

describe('murmur2', () => {
  // The values of Kafka's own test, UtilsTest.testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('gives the hash of %s that Kafka gives', (text, hash) => {
    expect(murmur2(Buffer.from(text)) | 0).toBe(hash)
  })
})

describe('the partition of a chain', () => {
  const partitioner = kafkajs.Partitioners.DefaultPartitioner()

  function byKafkaJs(key: string, partitions: number): number {
    const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 0,
      replicas: [],
      isr: [],
      offlineReplicas: [],
    }))
    return partitioner({ topic: 't', partitionMetadata, message: { key: Buffer.from(key), value: null } })
  }

  test('is the one that a Kafka client chooses for the key by default', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme' }),
        fc.integer({ min: 1, max: 1000 }),
        (key, partitions) => {
          expect(partitionOf(key, partitions)).toBe(byKafkaJs(key, partitions))
        },
      ),
    )
  })
})

describe('keys of price records', () => {
  test('give their chain back, alone or with a pair', () => {
    expect(chainOfKey('ethereum')).toBe('ethereum')
    expect(chainOfKey(pairKey('ethereum', 'WETH/USDC'))).toBe('ethereum')
    expect(chainOfKey('')).toBe('')
  })
})

test('the dead-letter topic of a topic has its name and .dlq', () => {
  expect(deadLetterTopic('prices.ethereum')).toBe('prices.ethereum.dlq')
})
