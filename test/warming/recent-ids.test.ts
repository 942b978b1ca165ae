import { describe, expect, it } from '@jest/globals'
import { RecentIds } from '../../src/warming/recent-ids.ts'

describe('the recent ids', () => {
  it('know an id the second time', () => {
    const ids = new RecentIds(10)
    expect([ids.add('a'), ids.add('b'), ids.add('a'), ids.add('b')]).toEqual([true, true, false, false])
  })

  it('forget the least recently seen id', () => {
    const ids = new RecentIds(2)
    ids.add('a')
    ids.add('b')
    ids.add('a')
    expect(ids.add('c')).toBe(true)
    expect(ids.add('a')).toBe(false)
    expect(ids.add('b')).toBe(true)
  })

  it('keep no more ids than their limit, whatever comes', () => {
    const ids = new RecentIds(100)
    for (let i = 0; i < 1_000; i++) expect(ids.add(`id-${i}`)).toBe(true)
    expect(ids.add('id-899')).toBe(true)
    expect(ids.add('id-999')).toBe(false)
  })
})
