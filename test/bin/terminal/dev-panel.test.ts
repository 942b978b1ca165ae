import { describe, expect, test } from '@jest/globals'
import { DevPanel, figuresBetween } from '../../../bin/terminal/dev-panel.ts'
import type { NodeStats } from '../../../index.ts'
import { ControlGroup } from '../../../src/warming/control-group.ts'
import { Measurement } from '../../../src/warming/measurement.ts'

const NOTHING_MEASURED = new Measurement({ control: new ControlGroup(0) }).figures({
  usage: { warmCounts: { admitted: 0, used: 0, unused: 0, dropped: 0 }, pushedOut: { missed: 0, missedSoon: 0 } },
  promotions: { asked: 0, alreadyInL1: 0, late: 0, loaded: 0 },
})

function stats(hits: number, misses: number, counts: Partial<NodeStats> = {}): NodeStats {
  return {
    updates: 0,
    pairs: 10,
    reads: { hits, misses },
    warms: { admitted: 0, used: 0, unused: 0, resident: 0 },
    strategies: undefined,
    warming: NOTHING_MEASURED,
    l1: { slots: 4, resident: 4, bytes: 400, evictions: 0 },
    l2: { state: 'up', waitingEntries: 0, skippedEntries: 0 },
    detectors: [],
    strayErrors: 0,
    endToEndMs: undefined,
    lagRecords: 0,
    warmRequests: { lagRecords: 0, waiting: 0 },
    ...counts,
  }
}

test('the figures of dev are the ratios and rates between two counts', () => {
  const before = { warmed: stats(90, 10), unwarmed: stats(50, 50), notSent: 1 }
  const warms = { admitted: 30, used: 9, unused: 1, resident: 20 }
  const endToEndMs = { p50: 1.26, p99: 20 }
  const after = { warmed: stats(189, 11, { updates: 500, warms, endToEndMs }), unwarmed: stats(110, 90), notSent: 7 }
  expect(figuresBetween(before, after, 2)).toStrictEqual({
    updatesPerSecond: 250,
    updatesNotSent: 7,
    hitRatioWarmed: 0.99,
    hitRatioUnwarmed: 0.6,
    warmsPerSecond: 15,
    warmsUsedShare: 0.9,
    endToEndMsP50: 1.3,
    endToEndMsP99: 20,
  })
})

test('before anything was counted, the rates of dev are 0, and its ratios and latencies are undefined', () => {
  const nothing = { warmed: stats(0, 0), unwarmed: stats(0, 0), notSent: 0 }
  expect(figuresBetween(nothing, nothing, 0)).toStrictEqual({
    updatesPerSecond: 0,
    updatesNotSent: 0,
    hitRatioWarmed: undefined,
    hitRatioUnwarmed: undefined,
    warmsPerSecond: 0,
    warmsUsedShare: undefined,
    endToEndMsP50: undefined,
    endToEndMsP99: undefined,
  })
})

/** Three brokers, on the longest ports. */
const LONG_PLACES = {
  broker: 'Kafka at 127.0.0.1:32001, 127.0.0.1:32002, 127.0.0.1:32003',
  l2: 'Redis at redis://127.0.0.1:32004',
}

describe('the panel of dev', () => {
  const nothing = { warmed: stats(0, 0), unwarmed: stats(0, 0), notSent: 0 }
  const counts = { warmed: stats(3, 1), unwarmed: stats(1, 1), notSent: 0 }

  function drawn(screen: { isTTY?: boolean; columns?: number }, json = false, notSent = 0): string[] {
    const written: string[] = []
    const stdout = { ...screen, write: (text: string) => written.push(text) }
    const panel = new DevPanel({ from: nothing, stdout, json, ...LONG_PLACES, httpPort: 65_535, lookAfterMs: 22 })
    panel.draw({ ...counts, notSent })
    panel.end({ ...counts, notSent })
    return written
  }

  test('is redrawn in place on a terminal, cut to its width, and ends with the cursor below', () => {
    const [first, second, below] = drawn({ isTTY: true, columns: 60 })
    const lines = (first ?? '').split('\n')
    const height = lines.length - 1
    expect(first?.endsWith(`\x1b[J\x1b[${height}A`)).toBe(true)
    expect(second).toBe(first)
    expect(below).toBe(`\x1b[${height}B`)
    for (const line of lines.slice(0, height)) {
      expect(line.endsWith('\x1b[K')).toBe(true)
      expect(line.replace('\r', '').replace('\x1b[K', '').length).toBeLessThanOrEqual(60)
    }
  })

  test('fits 80 columns, so that nothing of it is cut there', () => {
    const large = { updates: 999_999, pairs: 999_999, l1: { slots: 999_999, resident: 0, bytes: 0, evictions: 0 } }
    const endToEndMs = { p50: 12_345.6, p99: 12_345.6 }
    const warms = { admitted: 999_999, used: 1, unused: 0, resident: 0 }
    const written: string[] = []
    const stdout = { isTTY: true, columns: 1_000, write: (text: string) => written.push(text) }
    const panel = new DevPanel({
      ...{ from: nothing, stdout, json: false, ...LONG_PLACES, httpPort: 65_535, lookAfterMs: 22 },
    })
    panel.draw({ warmed: stats(1, 0, { ...large, endToEndMs, warms }), unwarmed: stats(1, 0), notSent: 999_999 })
    const lines = (written[0] ?? '').split('\n').slice(0, -1)
    expect(lines.filter((line) => line.replace('\r', '').replace('\x1b[K', '').length > 80)).toEqual([])
  })

  test('is one line for each drawing elsewhere, the first with the figures since its start', () => {
    const written = drawn({})
    expect(written).toHaveLength(2)
    expect(written[0]).toMatch(
      /^0 updates\/s · L1 hit ratio 75\.0 % warmed, 50\.0 % without · .* p50 – ms, p99 – ms\n$/,
    )
  })

  test('says how many updates the broker did not accept, if any', () => {
    for (const screen of [{}, { isTTY: true, columns: 80 }]) {
      expect(drawn(screen, false, 12)[0]).toMatch(/12 .*NOT SENT/)
      expect(drawn(screen)[0]).not.toContain('NOT SENT')
    }
  })

  test('is JSON if asked for, even on a terminal', () => {
    const written = drawn({ isTTY: true, columns: 60 }, true)
    expect(written.map((line) => JSON.parse(line).hitRatioWarmed)).toEqual([0.75, 0.75])
  })

  test('has null in JSON for what is not measured yet', () => {
    const [line = ''] = drawn({}, true)
    expect(JSON.parse(line)).toMatchObject({ warmsUsedShare: null, endToEndMsP50: null, endToEndMsP99: null })
  })
})
