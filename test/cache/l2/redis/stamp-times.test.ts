import { describe, expect, it } from '@jest/globals'
import { StampTimes } from '../../../../src/cache/l2/redis/stamp-times.ts'

/** Reads the hash at a moment of ours, when Redis's clock is so far ahead. */
function reader() {
  const times = new StampTimes()
  return (fields: Record<string, string>, sentAtMs: number, aheadMs = 1_000_000) =>
    Object.fromEntries(times.of(0, fields, { redisMs: sentAtMs + aheadMs, sentAtMs }))
}

describe('the moment of a stamp', () => {
  it('stays when the clock of Redis is set back, or a server with another clock has the hash', () => {
    const read = reader()
    expect(read({ 't/0': '1000090' }, 100)).toEqual({ 't/0': 90 })
    expect(read({ 't/0': '1000090' }, 2_100, 999_000)).toEqual({ 't/0': 90 })
    expect(read({ 't/0': '1000090' }, 2_200, 1_005_000)).toEqual({ 't/0': 90 })
  })

  it('is reckoned by the larger of the two offsets between which a new stamp was set', () => {
    const read = reader()
    read({ 't/0': '1000090' }, 100)
    expect(read({ 't/0': '1000110' }, 130, 999_985)).toEqual({ 't/0': 110 })
    expect(read({ 't/0': '1000120' }, 150, 999_985)).toEqual({ 't/0': 135 })
  })

  it('is unknown for a stamp that is later than Redis’s time, which another clock has set', () => {
    const read = reader()
    expect(read({ 't/0': '1000101', 't/1': '1000100' }, 100)).toEqual({ 't/1': 100 })
    expect(read({ 't/0': '1000101' }, 101)).toEqual({ 't/0': 101 })
  })

  it('is unknown where the text is no number', () => {
    const read = reader()
    expect(read({ 't/0': 'x' }, 100)).toEqual({})
  })
})
