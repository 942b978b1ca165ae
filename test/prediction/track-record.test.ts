import { describe, expect, test } from '@jest/globals'
import type { Kind, Proposal } from '../../src/prediction/proposal.ts'
import { TrackRecord } from '../../src/prediction/track-record.ts'
import { historyOf, MONDAY } from './histories.ts'

const proposed = (pairId: number, kind: Kind, confidence = 0.8): Proposal => ({ pairId, kind, confidence, reason: '' })

/** Pair 0 is read in every hour, pair 1 in the third only, pair 2 never. */
const HISTORY = historyOf(10, (pairId, hour) => Number(pairId === 0 || (pairId === 1 && hour === 2)), 3)

describe('the record of a kind', () => {
  test('is the share of its proposals that were read within their hours', () => {
    const record = new TrackRecord()
    const all = [proposed(0, 'popular'), proposed(1, 'popular'), proposed(2, 'popular'), proposed(1, 'forecast')]
    record.note(all, { hour: MONDAY, hours: 2 })
    record.judge(HISTORY, MONDAY + 3)
    expect(record.accuracyByKind()).toEqual({ popular: 2 / 3, forecast: 1 })
  })

  test('counts proposals once, when their hours are over', () => {
    const record = new TrackRecord()
    record.note([proposed(1, 'popular')], { hour: MONDAY, hours: 2 })
    record.judge(HISTORY, MONDAY + 2)
    expect(record.accuracyByKind()).toEqual({})
    for (const hour of [3, 4, 5]) record.judge(HISTORY, MONDAY + hour)
    record.note([proposed(2, 'popular')], { hour: MONDAY + 5, hours: 1 })
    record.judge(HISTORY, MONDAY + 7)
    expect(record.accuracyByKind()).toEqual({ popular: 1 / 2 })
  })

  test('counts no reads in the hour of asking, or after the hours that were asked for', () => {
    const record = new TrackRecord()
    record.note([proposed(1, 'popular')], { hour: MONDAY + 2, hours: 4 })
    record.note([proposed(1, 'trending')], { hour: MONDAY + 3, hours: 4 })
    record.judge(HISTORY, MONDAY + 9)
    expect(record.accuracyByKind()).toEqual({ popular: 0, trending: 0 })
  })

  test('does not improve by asking again within the hour', () => {
    const record = new TrackRecord()
    for (const pairId of [2, 0, 0]) record.note([proposed(pairId, 'popular')], { hour: MONDAY, hours: 1 })
    record.judge(HISTORY, MONDAY + 2)
    expect(record.accuracyByKind()).toEqual({ popular: 0 })
  })

  test('is bounded, however far ahead proposals are', () => {
    const record = new TrackRecord()
    // Proposals after the first 24 are not noted.
    for (let hour = 0; hour < 100; hour++)
      record.note([proposed(0, hour < 24 ? 'popular' : 'forecast')], { hour, hours: 1_000 })
    record.judge(HISTORY, MONDAY + 9)
    expect(record.accuracyByKind()).toEqual({ popular: 0 })
  })

  test('that is worse than promised makes the kind less sure, a better one makes it no surer', () => {
    const record = new TrackRecord()
    const all = Array.from({ length: 100 }, () => [proposed(2, 'popular'), proposed(0, 'forecast')]).flat()
    expect(record.discounted(proposed(5, 'popular'))).toEqual(proposed(5, 'popular'))
    record.note(all, { hour: MONDAY, hours: 1 })
    record.judge(HISTORY, MONDAY + 2)
    // None of the 80 promised reads came; 20 that came are assumed beforehand.
    expect(record.discounted(proposed(5, 'popular')).confidence).toBeCloseTo(0.8 * (20 / 100), 10)
    expect(record.discounted(proposed(5, 'forecast'))).toEqual(proposed(5, 'forecast'))
  })

  test('compares a chance in each hour with the share of hours with a read, not with a read in any of them', () => {
    const record = new TrackRecord()
    const all = Array.from({ length: 100 }, () => proposed(1, 'popular'))
    record.note(all, { hour: MONDAY, hours: 4 })
    record.judge(HISTORY, MONDAY + 9)
    expect(record.accuracyByKind()).toEqual({ popular: 1 })
    // Read in one of the four hours: a chance of .25, where .8 was promised.
    expect(record.discounted(proposed(5, 'popular')).confidence).toBeCloseTo(0.8 * ((25 + 20) / (80 + 20)), 10)
  })

  test('compares a chance in one hour with that hour, whatever is read in the others', () => {
    const record = new TrackRecord()
    const at = (kind: Kind, hour: number) =>
      Array.from({ length: 100 }, () => ({ ...proposed(1, kind), hour: MONDAY + hour }))
    record.note([...at('time-of-day', 3), ...at('forecast', 2)], { hour: MONDAY, hours: 4 })
    record.judge(HISTORY, MONDAY + 9)
    expect(record.accuracyByKind()).toEqual({ 'time-of-day': 1, forecast: 1 })
    expect(record.discounted(proposed(5, 'time-of-day')).confidence).toBeCloseTo(0.8 * (20 / 100), 10)
    expect(record.discounted(proposed(5, 'forecast'))).toEqual(proposed(5, 'forecast'))
  })

  test('forgets old proposals', () => {
    const record = new TrackRecord()
    const times = (count: number, pairId: number) => Array.from({ length: count }, () => proposed(pairId, 'popular', 1))
    record.note(times(4_095, 2), { hour: MONDAY, hours: 1 })
    record.note(times(4_097, 0), { hour: MONDAY + 1, hours: 1 })
    record.judge(HISTORY, MONDAY + 3)
    // Halved three times: at 4,095 unread and one read, and after each 2,048 more that were read.
    expect(record.accuracyByKind().popular).toBeCloseTo(((0.5 + 2_048) / 2 + 2_048) / 4_096, 10)
  })
})
