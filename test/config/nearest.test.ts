import { describe, expect, test } from '@jest/globals'
import { nearest } from '../../src/nearest.ts'

describe('nearest', () => {
  const known = ['KAFKA_BROKERS', 'KAFKA_SSL', 'REDIS_URL', 'cache', 'node']

  test('finds a name with one or two letters wrong, missing, added or swapped', () => {
    for (const slip of ['KAFKA_BROKER', 'KAFAK_BROKERS', 'KAFKA__BROKERS', 'KAFKA_BORKRES', 'kafka_brokers']) {
      expect(nearest(slip, known)).toBe('KAFKA_BROKERS')
    }
  })

  test('finds no name for another word of the same length', () => {
    for (const other of ['KAFKA_OPTS', 'KAFKA_HOME', 'KAFKA_PORT', 'REDIS_PORT', 'HOME', '', 'mode2']) {
      expect(nearest(other, known)).toBeUndefined()
    }
  })

  test('allows a short name one wrong letter', () => {
    expect(nearest('cach', known)).toBe('cache')
    expect(nearest('cahce', known)).toBe('cache')
    expect(nearest('cach_s', known)).toBeUndefined()
  })
})
