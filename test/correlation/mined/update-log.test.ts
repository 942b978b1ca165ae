import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { finished } from '../../../src/correlation/mined/pieces.ts'
import { StretchCopy } from '../../../src/correlation/mined/stretch-copy.ts'
import {
  LogColumns,
  type LogMemory,
  markOf,
  offsetMsOf,
  SLICE_MS,
  STRETCH_MS,
  UpdateLog,
} from '../../../src/correlation/mined/update-log.ts'

const ENTRIES = 16_384
const NOON_MS = 1_783_900_800_000

let log: UpdateLog

beforeEach(() => {
  log = new UpdateLog({ maxPairs: 20_000, entries: ENTRIES })
})

interface Logged {
  readonly marks: readonly number[]
  readonly slices: readonly number[]
}

function logged(stretch = log.endStretch()): readonly Logged[] {
  return finished(new StretchCopy(log.memory).take(stretch)).map(({ marks, slices, count }) => ({
    marks: [...marks].slice(0, count).map(markOf),
    slices: [...slices].slice(0, count),
  }))
}

describe('the log', () => {
  test('gives the updates and reads of each chain in the order of their event times', () => {
    log.update(7, 1, NOON_MS)
    log.update(3, 0, NOON_MS + 1)
    log.missedRead(3, 0, NOON_MS + 12)
    log.update(7, 1, NOON_MS + 500)
    expect(logged()).toEqual([
      { marks: [6, 7], slices: [0, 2] },
      { marks: [14, 14], slices: [0, 100] },
    ])
    expect(log.timeOf(100)).toBe(NOON_MS + 500)
  })

  test('takes a pair’s updates once a slice, even a million a second', () => {
    for (let update = 0; update < 1_000_000; update++) log.update(1, 0, NOON_MS + Math.floor(update / 1000))
    expect(log.written).toBe(1000 / SLICE_MS)
    expect(log.repeated).toBe(1_000_000 - log.written)
  })

  test('takes a pair’s reads once a millisecond', () => {
    for (const ms of [0, 0.4, 1, 4, 5, 5.9, 19]) log.missedRead(1, 0, NOON_MS + ms)
    const [entries] = finished(new StretchCopy(log.memory).take(log.endStretch()))
    const timesMs = [...(entries?.marks ?? [])].map(
      (entry, at) => (entries?.slices[at] ?? 0) * SLICE_MS + offsetMsOf(entry),
    )
    expect(timesMs).toEqual([0, 1, 4, 5, 19])
  })

  test('takes ten thousand pairs in one millisecond', () => {
    for (let pair = 0; pair < 10_000; pair++) log.update(pair, 0, NOON_MS)
    expect(logged()[0]?.marks.length).toBe(10_000)
  })

  test('puts an update that is up to a second late in its place, and counts older ones', () => {
    log.update(1, 0, NOON_MS)
    log.update(2, 0, NOON_MS + 1000)
    log.update(3, 0, NOON_MS + 20)
    log.update(4, 0, NOON_MS - 1)
    expect(logged()).toEqual([{ marks: [2, 6, 4], slices: [0, 4, 200] }])
    expect(log.older).toBe(1)
  })

  test('gives entries in the order of their slices, those of a slice as they came, however far apart times are', () => {
    for (const gapMs of [0, 7_200_000]) {
      const base = log.written
      for (let n = 0; n < 40; n++) log.update(base + n, 0, NOON_MS + gapMs + n * 100 - (n % 7) * 150)
      log.update(base + 40, 0, NOON_MS + gapMs + 3_950)
    }
    const { marks, slices } = logged()[0] as Logged
    expect(slices).toEqual(slices.toSorted((a, b) => a - b))
    const order = marks.map((mark, n) => [slices[n] as number, mark] as const)
    expect(order).toEqual(order.toSorted(([a, x], [b, y]) => a - b || x - y))
    expect(marks.length).toBe(82)
  })

  test('keeps the times of chains apart, so that one may be an hour behind another', () => {
    log.update(1, 0, NOON_MS)
    log.update(2, 1, NOON_MS - 3_600_000)
    expect(logged()).toEqual([
      { marks: [2], slices: [0] },
      { marks: [4], slices: [-720_000] },
    ])
    expect(log.older).toBe(0)
  })

  test('tells the time of a slice, even after half a year', () => {
    log.update(1, 0, NOON_MS)
    log.endStretch()
    const laterMs = NOON_MS + 180 * 24 * 3_600_000
    log.update(1, 0, laterMs - 50)
    log.update(1, 0, laterMs)
    expect(logged()[0]?.slices.map((slice) => log.timeOf(slice))).toEqual([laterMs - 50, laterMs])
  })

  test('refuses, and counts, ids beyond its pairs, chains beyond its chains, and invalid times', () => {
    log.update(20_000, 0, NOON_MS)
    log.missedRead(20_000, 0, NOON_MS)
    log.update(1, 65_536, NOON_MS)
    log.update(1, 0, Number.NaN)
    log.update(1, 0, -1)
    expect([log.refusedMarks, log.written]).toEqual([5, 0])
  })

  test('drops the entries of a delisted pair, and takes new ones', () => {
    log.update(2, 0, NOON_MS)
    log.update(1, 0, NOON_MS)
    log.forget(1)
    log.forget(30_000)
    log.update(1, 0, NOON_MS + 10)
    expect(logged()).toEqual([{ marks: [4, 2], slices: [0, 2] }])
  })
})

describe('a stretch', () => {
  test('ends after a minute of event time, and is taken once', () => {
    log.update(1, 0, NOON_MS)
    log.update(2, 0, NOON_MS + STRETCH_MS - 1)
    expect(log.takeStretch()).toBeUndefined()
    log.update(3, 0, NOON_MS + STRETCH_MS)
    expect(log.takeStretch()).toEqual({ from: 0, to: 2 })
    expect(log.takeStretch()).toBeUndefined()
    log.update(4, 0, NOON_MS + 2 * STRETCH_MS)
    expect(log.takeStretch()).toEqual({ from: 2, to: 3 })
  })

  test('ends by the times of updates, not by those of reads, which are ahead', () => {
    log.missedRead(9, 0, NOON_MS + 2 * STRETCH_MS)
    log.update(1, 0, NOON_MS)
    log.missedRead(9, 0, NOON_MS + 3 * STRETCH_MS)
    expect(log.takeStretch()).toBeUndefined()
    log.update(2, 0, NOON_MS + STRETCH_MS)
    expect([log.takeStretch(), log.older]).toEqual([{ from: 0, to: 3 }, 0])
  })

  test('of reads alone ends when it fills the log', () => {
    for (let read = 0; read < ENTRIES; read++) log.missedRead(read % 5000, 0, NOON_MS + read)
    expect(log.takeStretch()?.to).toBeGreaterThan(ENTRIES * 0.9)
    expect(log.takeStretch()).toBeUndefined()
  })

  test('ends before it fills the log to the last entry', () => {
    let stretch: ReturnType<UpdateLog['takeStretch']>
    for (let update = 0; stretch === undefined; update++) {
      log.update(update % 5000, 0, NOON_MS + Math.floor(update / 1000))
      stretch = log.takeStretch()
    }
    expect(stretch.to).toBeLessThan(ENTRIES)
    expect(stretch.to).toBeGreaterThan(ENTRIES * 0.9)
  })

  test('is never empty, even if no update came in the minute after the log was full', () => {
    let updates = 0
    for (; log.takeStretch() === undefined; updates++)
      log.update(updates % 100, 0, NOON_MS + Math.floor(updates / 100) * SLICE_MS)
    log.update(1, 0, NOON_MS + 3 * STRETCH_MS)
    expect(log.takeStretch()).toBeUndefined()
    log.update(1, 0, NOON_MS + 4 * STRETCH_MS)
    expect(log.takeStretch()).toEqual({ from: updates, to: updates + 1 })
  })

  test('is copied whole after a copy that was left in the middle', () => {
    const large = new UpdateLog({ maxPairs: 20_000, entries: 4 * ENTRIES })
    for (let update = 0; update < 3 * ENTRIES; update++)
      large.update(update % 20_000, 0, NOON_MS + Math.floor(update / 20))
    const stretch = large.endStretch()
    const copy = new StretchCopy(large.memory)
    const left = copy.take(stretch)
    for (let piece = 0; piece < 3; piece++) left.next()
    expect(finished(copy.take(stretch))).toEqual(finished(new StretchCopy(large.memory).take(stretch)))
  })

  test('loses, and counts, entries that were overwritten before they were copied', () => {
    const updates = ENTRIES * 2.5
    for (let update = 0; update < updates; update++)
      log.update(update % 20_000, 0, NOON_MS + Math.floor(update / 20_000) * SLICE_MS)
    const copy = new StretchCopy(log.memory)
    const kept = finished(copy.take(log.endStretch())).reduce((sum, { count }) => sum + count, 0)
    expect(kept + copy.lost).toBe(updates)
    expect(kept).toBeGreaterThan(ENTRIES - 4096)
    expect(kept).toBeLessThan(ENTRIES)
  })
})

test('overwritten entries are recognized, even after more blocks than 32 bits can count', () => {
  const columns = new LogColumns(log.memory)
  for (const blocks of [5, 2 ** 31 + 5, 2 ** 33 + 5]) {
    Atomics.store(columns.reserved, 0, blocks)
    for (const ago of [0, 2, 20]) expect(columns.firstWhole((blocks - ago) * 1_024 - 1)).toBe(blocks * 1_024 - ENTRIES)
  }
})

test('entries that are copied while another thread overwrites them are whole, or counted as lost', async () => {
  const writer = new Worker(new URL('./log-thread.ts', import.meta.url))
  try {
    const [memory] = (await once(writer, 'message')) as [LogMemory]
    const columns = new LogColumns(memory)
    const copy = new StretchCopy(memory)
    let whole = 0
    // The oldest entries are copied: the writer is just about to overwrite them.
    while (whole < 2_000_000 || copy.lost < 1_000) {
      const from = columns.firstWhole(0)
      const stretch = { from, to: from + memory.entries / 2 }
      const before = copy.lost
      const windows = finished(copy.take(stretch))
      let at = from + copy.lost - before
      for (const { marks, slices, count } of windows)
        for (let n = 0; n < count; n++, at++) {
          const isItself = markOf(marks[n] ?? 0) === (at % memory.maxPairs) * 2
          if (!isItself || slices[n] !== Math.floor(at / memory.maxPairs)) throw new Error(`entry ${at} is another one`)
          whole++
        }
      expect(at).toBe(stretch.to)
    }
  } finally {
    await writer.terminate()
  }
}, 60_000)
