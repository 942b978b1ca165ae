import { describe, expect, test } from '@jest/globals'
import { cron, durationWords, every, parseDuration, runsBetween, type Timing } from '../../src/schedules/timing.ts'

function between(timing: Timing, from: string, until: string): readonly string[] {
  return runsBetween(timing, Date.parse(from), Date.parse(until)).map((ms) =>
    new Date(ms).toISOString().replace(':00.000Z', 'Z'),
  )
}

const NEW_YORK = 'America/New_York'
/** 02:00 becomes 03:00 in New York at 07:00 UTC. */
const SPRING = ['2026-03-08T05:00Z', '2026-03-09T05:00Z'] as const
/** 02:00 becomes 01:00 in New York at 06:00 UTC. */
const AUTUMN = ['2026-11-01T04:00Z', '2026-11-02T05:00Z'] as const

describe('a cron schedule', () => {
  test('runs in the time of its zone, and in UTC without one', () => {
    const day = ['2026-07-01T00:00Z', '2026-07-02T00:00Z'] as const
    expect(between(cron('30 8 * * *'), ...day)).toEqual(['2026-07-01T08:30Z'])
    expect(between(cron('30 8 * * *', 'Asia/Tokyo'), ...day)).toEqual(['2026-07-01T23:30Z'])
    expect(between(cron('30 8 * * *', 'Asia/Kolkata'), ...day)).toEqual(['2026-07-01T03:00Z'])
  })

  test('runs a time that does not exist when the clocks have gone forward, once', () => {
    expect(between(cron('30 2 * * *', NEW_YORK), ...SPRING)).toEqual(['2026-03-08T07:00Z'])
    expect(between(cron('0,30 2 * * *', NEW_YORK), ...SPRING)).toEqual(['2026-03-08T07:00Z'])
    expect(between(cron('30 2,14 * * *', NEW_YORK), ...SPRING)).toEqual(['2026-03-08T07:00Z', '2026-03-08T18:30Z'])
  })

  test('runs a time that exists twice the first time alone', () => {
    expect(between(cron('30 1 * * *', NEW_YORK), ...AUTUMN)).toEqual(['2026-11-01T05:30Z'])
    expect(between(cron('30 1,13 * * *', NEW_YORK), ...AUTUMN)).toEqual(['2026-11-01T05:30Z', '2026-11-01T18:30Z'])
  })

  test('with a star goes on through the hour that is repeated, and through the one that is left out', () => {
    const hourly = cron('0 * * * *', NEW_YORK)
    expect(between(hourly, ...SPRING)).toHaveLength(24)
    expect(between(hourly, ...AUTUMN)).toHaveLength(25)
    expect(between(cron('*/30 2 * * *', NEW_YORK), ...SPRING)).toEqual([])
    expect(between(cron('*/30 1 * * *', NEW_YORK), ...AUTUMN)).toHaveLength(4)
  })

  test('runs once a day where clocks change by half an hour, or at midnight', () => {
    const lordHowe = cron('15 2 * * *', 'Australia/Lord_Howe')
    expect(between(lordHowe, '2026-10-02T12:00Z', '2026-10-05T12:00Z')).toEqual([
      '2026-10-02T15:45Z',
      '2026-10-03T15:30Z',
      '2026-10-04T15:15Z',
    ])
    const cairo = cron('0 0 * * *', 'Africa/Cairo')
    expect(between(cairo, '2026-04-22T12:00Z', '2026-04-25T12:00Z')).toEqual([
      '2026-04-22T22:00Z',
      '2026-04-23T22:00Z',
      '2026-04-24T21:00Z',
    ])
  })
})

describe('an interval', () => {
  test('has the same times on every node: they are counted from 1970', () => {
    expect(between(every(1_800_000), '2026-07-01T00:00Z', '2026-07-01T01:07Z')).toEqual([
      '2026-07-01T00:30Z',
      '2026-07-01T01:00Z',
    ])
    expect(between(every(86_400_000), '2026-07-01T00:00Z', '2026-07-02T00:00Z')).toEqual(['2026-07-02T00:00Z'])
  })
})

test('at most a thousand runs are listed', () => {
  expect(runsBetween(every(60_000), 0, 86_400_000)).toHaveLength(1_000)
})

test('durations are read as they are written, in whole minutes, hours and days', () => {
  const written = ['1m', '15m', '90m', '1h', '36h', '1d']
  expect(written.map(parseDuration)).toEqual([60_000, 900_000, 5_400_000, 3_600_000, 129_600_000, 86_400_000])
  expect([900_000, 3_600_000, 86_400_000, 250].map(durationWords)).toEqual(['15m', '1h', '1d', '250ms'])
  expect(['', '0m', '5', '5s', '-5m', '1.5h', '5 m', 'm'].map(parseDuration)).toEqual(Array(8).fill(undefined))
})
