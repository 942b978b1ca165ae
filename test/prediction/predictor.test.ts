import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { HOUR_MS } from '../../src/prediction/access-history.ts'
import { Predictor } from '../../src/prediction/predictor.ts'
import { MONDAY, ms } from './histories.ts'

function newPredictor(maxPairs = 100, historyHours = 168): Predictor {
  const names: string[] = []
  return new Predictor({
    ...{ maxPairs, historyHours },
    namesOf: (pairId) => ({ chain: 'fx', pair: names[pairId] ?? `P${pairId}`, group: pairId < 5 ? 'g' : undefined }),
    idOf: ({ pair }) => {
      const known = names.indexOf(pair)
      if (known >= 0) return known
      return names.length >= maxPairs ? -1 : names.push(pair) - 1
    },
  })
}

/** Pair 0 at nine every day for a week, pair 1 every hour. */
function lived(): Predictor {
  const predictor = newPredictor()
  for (let hour = MONDAY; hour < MONDAY + 168; hour++) {
    if (hour % 24 === 9) predictor.recordAccess(0, ms(hour))
    for (let i = 0; i < 3; i++) predictor.recordAccess(1, ms(hour))
  }
  return predictor
}

/** Once a week, at five; and time goes on until Friday. */
function readOnMondays(predictor: Predictor, { pairId, weeks }: { pairId: number; weeks: number }): void {
  for (let week = 0; week < weeks; week++) {
    predictor.recordAccess(pairId, ms(MONDAY + week * 168 + 5))
    predictor.tell(ms(MONDAY + week * 168 + 100))
  }
}

describe('the predictor', () => {
  test('recommends each pair once, by what is surest of it', () => {
    const nowMs = ms(MONDAY + 168 + 8)
    const predictor = lived()
    predictor.tell(nowMs)
    const found = predictor.recommendations(nowMs, { lookAheadHours: 1, limit: 10 })
    expect(found.map(({ pairId }) => pairId).toSorted()).toEqual([0, 1])
    expect(found.find(({ pairId }) => pairId === 0)?.kind).toBe('time-of-day')
  })

  test('believes a kind less when what it recommended is not read', () => {
    const predictor = newPredictor()
    for (let pairId = 0; pairId < 50; pairId++) for (let i = 0; i < 9; i++) predictor.recordAccess(pairId, ms(MONDAY))
    const options = { lookAheadHours: 1, limit: 100 }
    const surenessAt = (hour: number) => {
      predictor.tell(ms(hour))
      return predictor.recommendations(ms(hour), options)[0]?.confidence ?? Number.NaN
    }
    const before = surenessAt(MONDAY)
    for (let i = 0; i < 9; i++) predictor.recordAccess(7, ms(MONDAY + 1))
    expect(predictor.stats(ms(MONDAY + 1)).accuracyByKind).toEqual({})
    const after = surenessAt(MONDAY + 2)
    expect(predictor.stats(ms(MONDAY + 2)).accuracyByKind).toEqual({ popular: 1 / 50 })
    // One of fifty was read, of fifty promised; so much of the change is not the kind's own.
    expect(after).toBeLessThan(0.4)
    expect(before).toBeGreaterThan(0.99)
    expect(predictor.popular(ms(MONDAY + 2), 1)[0]?.confidence).toBeGreaterThan(0.9)
  })

  test('counts accesses and pairs, and names the most popular', () => {
    const stats = lived().stats(ms(MONDAY + 167))
    expect(stats).toEqual({ totalAccesses: 7 + 168 * 3, uniquePairs: 2, top10: ['P1', 'P0'], accuracyByKind: {} })
  })

  test('forgets nothing for a read at a time that cannot be', () => {
    const predictor = lived()
    const before = predictor.exportPatterns()
    // Microseconds for milliseconds are of the year 57,000.
    const times = [Number.NaN, Number.POSITIVE_INFINITY, -1, ms(MONDAY) * 1_000]
    for (const atMs of times) {
      predictor.tell(atMs)
      predictor.recordAccess(0, atMs)
    }
    expect([predictor.history.refused, predictor.exportPatterns()]).toEqual([times.length, before])
  })

  test('proposes for the sessions that open within the time ahead, and no others', () => {
    const predictor = newPredictor()
    for (let hour = MONDAY; hour < MONDAY + 168; hour++)
      if (hour % 24 === 8) for (let i = 0; i < 9; i++) predictor.recordAccess(2, ms(hour))
    const before = ms(MONDAY + 168 + 7)
    predictor.tell(before)
    const found = predictor.sessions(before, { lookAheadHours: 1, limit: 5 })
    expect(found.map(({ reason }) => reason)).toEqual([expect.stringMatching(/^london opens/)])
    expect(predictor.sessions(before - HOUR_MS, { lookAheadHours: 1, limit: 5 })).toEqual([])
  })

  test('learns a forecast from weeks, told of time alone in between', () => {
    const predictor = newPredictor()
    readOnMondays(predictor, { pairId: 3, weeks: 3 })
    const nowMs = ms(MONDAY + 3 * 168 + 4)
    predictor.tell(nowMs)
    expect(predictor.forecast(nowMs, { hours: 1, limit: 5 })).toMatchObject([{ pairId: 3, kind: 'forecast' }])
  })
})

describe('patterns', () => {
  test('that are exported and imported say the same as before', () => {
    const before = lived()
    const document = JSON.parse(JSON.stringify(before.exportPatterns()))
    const after = newPredictor()
    expect(after.importPatterns(document)).toEqual({ refused: 0 })
    const nowMs = ms(MONDAY + 168 + 8)
    for (const predictor of [before, after]) predictor.tell(nowMs)
    const options = { lookAheadHours: 1, limit: 10 }
    expect(after.recommendations(nowMs, options)).toEqual(before.recommendations(nowMs, options))
    expect(after.exportPatterns()).toEqual(before.exportPatterns())
  })

  test.each([0, 1, 49, 50, 51, 120])('of %d pairs are the same document as text in pieces', (pairs) => {
    const predictor = newPredictor(200)
    predictor.tell(ms(MONDAY))
    for (let pairId = 0; pairId < pairs; pairId++) predictor.recordAccess(pairId, ms(MONDAY + (pairId % 3)))
    expect(JSON.parse([...predictor.patternText()].join(''))).toEqual(predictor.exportPatterns())
  })

  test('of three weeks say the same of the hours of a week', () => {
    const [before, after] = [newPredictor(100, 504), newPredictor(100, 504)]
    for (let week = 0; week < 3; week++) before.recordAccess(0, ms(MONDAY + week * 168 + 5))
    const nowMs = ms(MONDAY + 3 * 168 + 4)
    before.tell(nowMs)
    expect(after.importPatterns(before.exportPatterns(), nowMs)).toEqual({ refused: 0 })
    const options = { hours: 1, limit: 5 }
    expect(after.forecast(nowMs, options)).toMatchObject([{ pairId: 0, reason: '1 reads expected Monday 05:00 UTC' }])
    expect(after.forecast(nowMs, options)).toEqual(before.forecast(nowMs, options))
  })

  test('of this week leave what the forecast has learned in the weeks before', () => {
    const predictor = newPredictor()
    readOnMondays(predictor, { pairId: 0, weeks: 4 })
    const nowMs = ms(MONDAY + 4 * 168 + 4)
    predictor.tell(nowMs)
    const before = predictor.forecast(nowMs, { hours: 1, limit: 5 })
    expect(before).toHaveLength(1)
    expect(predictor.importPatterns(predictor.exportPatterns(), nowMs)).toEqual({ refused: 0 })
    expect(predictor.forecast(nowMs, { hours: 1, limit: 5 })).toEqual(before)
  })

  test('of later hours are learned from with those that were lived through', () => {
    const [node, other] = [newPredictor(100, 504), newPredictor(100, 504)]
    for (let week = 0; week < 3; week++) {
      for (const each of week < 2 ? [node, other] : [other]) each.recordAccess(0, ms(MONDAY + week * 168))
      other.recordAccess(1, ms(MONDAY + week * 168 + 1))
    }
    const nowMs = ms(MONDAY + 3 * 168 - 1)
    other.tell(nowMs)
    expect(node.importPatterns(other.exportPatterns(), nowMs)).toEqual({ refused: 0 })
    const ahead = { hours: 2, limit: 5 }
    expect(node.forecast(nowMs, ahead)).toEqual(other.forecast(nowMs, ahead))
    expect(other.forecast(nowMs, ahead)).toHaveLength(2)
  })

  test('begin with the hours in which nothing was read', () => {
    const [before, after] = [newPredictor(), newPredictor()]
    before.tell(ms(MONDAY))
    before.recordAccess(0, ms(MONDAY + 40))
    before.tell(ms(MONDAY + 50))
    const document = before.exportPatterns()
    expect(document).toMatchObject({ firstHour: MONDAY, lastHour: MONDAY + 50 })
    after.importPatterns(document)
    expect(after.exportPatterns()).toEqual(document)
    expect(after.pattern(0)?.frequencyPerHour).toBeCloseTo(1 / 51)
  })

  test('that are too old say nothing, nor that there was a time without reads', () => {
    const [before, after] = [lived(), newPredictor()]
    after.recordAccess(1, ms(MONDAY + 500))
    expect(after.importPatterns(before.exportPatterns())).toEqual({ refused: 0 })
    expect([after.history.firstHour, after.history.total]).toEqual([MONDAY + 500, 1])
  })

  test('of nothing are patterns, too', () => {
    const nothing = JSON.parse([...newPredictor().patternText()].join(''))
    expect(nothing).toEqual(newPredictor().exportPatterns())
    const predictor = newPredictor()
    expect(predictor.importPatterns(nothing)).toEqual({ refused: 0 })
    predictor.recordAccess(0, ms(MONDAY))
    expect(predictor.history.firstHour).toBe(MONDAY)
  })

  test('that are imported twice, or where they come from, count once', () => {
    const predictor = lived()
    const document = predictor.exportPatterns()
    predictor.importPatterns(document)
    expect(predictor.exportPatterns()).toEqual(document)
    expect(predictor.stats(ms(MONDAY + 167)).totalAccesses).toBe(7 + 168 * 3)
    predictor.recordAccess(1, ms(MONDAY + 167))
    predictor.importPatterns(document)
    expect(predictor.history.in(1, MONDAY + 167)).toBe(4)
  })

  test('of hours that have not begun are refused: no read would count until then', () => {
    const predictor = newPredictor()
    const document = lived().exportPatterns()
    const outcome = predictor.importPatterns(document, ms(MONDAY + 166))
    expect(outcome).toEqual({ problem: expect.stringMatching(/lastHour: hours that have begun, to \d+, got \d+/) })
    expect(predictor.importPatterns(document, ms(MONDAY + 167))).toEqual({ refused: 0 })
  })

  test('of more pairs than there is room for are counted', () => {
    expect(newPredictor(1).importPatterns(lived().exportPatterns())).toEqual({ refused: 1 })
    const roomier = new Predictor({ maxPairs: 1, namesOf: () => ({ chain: '', pair: '' }), idOf: () => 1 })
    expect(roomier.importPatterns(lived().exportPatterns())).toEqual({ refused: 2 })
  })

  test('in which any value is another are taken or refused, whole', () => {
    const document = { ...lived().exportPatterns() }
    const paths: readonly (readonly (string | number)[])[] = [
      ...[['kind'], ['version'], ['firstHour'], ['lastHour'], ['pairs'], ['pairs', 0], ['pairs', 1, 'pair']],
      ...[
        ['pairs', 0, 'chain'],
        ['pairs', 0, 'group'],
        ['pairs', 0, 'reads'],
        ['pairs', 0, 'reads', 2],
      ],
      ...[
        ['pairs', 0, 'reads', 0, 0],
        ['pairs', 0, 'reads', 0, 1],
      ],
    ]
    const value = fc.oneof(fc.anything(), fc.integer(), fc.constantFrom(Number.NaN, -1, 1e308, 'x', '__proto__'))
    fc.assert(
      fc.property(fc.constantFrom(...paths), value, (path, other) => {
        const changed = structuredClone(document) as unknown as Record<string | number, unknown>
        let at = changed
        for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
        at[path.at(-1) ?? ''] = other
        const predictor = newPredictor()
        const outcome = predictor.importPatterns(changed, ms(MONDAY + 167))
        if ('problem' in outcome) expect(predictor.exportPatterns().pairs).toEqual([])
        else expect(Number.isSafeInteger(predictor.history.total)).toBe(true)
      }),
    )
  })

  const good = { kind: 'forewarm-patterns', version: 1, firstHour: 10, lastHour: 12, pairs: [] }
  const pair = (fields: object) => ({ ...good, pairs: [{ chain: 'c', pair: 'p', reads: [], ...fields }] })
  test.each<readonly [unknown, RegExp]>([
    [null, /expected an object, got null/],
    [{ ...good, kind: 'other' }, /kind "forewarm-patterns", got "other"/],
    [{ ...good, version: 2 }, /expected version 1, got 2/],
    [{ ...good, firstHour: Number.NaN }, /firstHour: .* got NaN/],
    [{ ...good, lastHour: 9 }, /lastHour/],
    [{ ...good, lastHour: 1e6 }, /lastHour/],
    [{ ...good, pairs: 'x' }, /pairs: a list, got "x"/],
    [pair({ pair: '' }), /pairs\[0\]\.pair: expected a name/],
    [pair({ pair: 'a\0b' }), /pairs\[0\]\.pair: expected a name/],
    [pair({ chain: '\ud800' }), /pairs\[0\]\.chain: expected a name/],
    [
      {
        ...good,
        pairs: [
          { chain: 'c', pair: 'p', reads: [] },
          { chain: 'c', pair: 'p', reads: [] },
        ],
      },
      /pairs\[1\]: "p" of "c" stands before/,
    ],
    [
      pair({
        reads: [
          [1, 1],
          [1, 1],
        ],
      }),
      /reads\[1\]\[0\]: expected an hour from 2 to 2, got 1/,
    ],
    [pair({ reads: [[1, Number.POSITIVE_INFINITY]] }), /reads\[0\]\[1\]: .* got Infinity/],
    [pair({ reads: [[1, -1]] }), /reads\[0\]\[1\]: .* got -1/],
    [pair({ reads: [7] }), /reads\[0\]\[0\]: .* got undefined/],
    [{ ...good, firstHour: 0, lastHour: -2 }, /lastHour/],
    [[], /expected an object, got a list/],
    [pair({ group: 3 }), /\.group: expected a name, got 3/],
    [pair({ reads: [[3, 1]] }), /reads\[0\]\[0\]: expected an hour from 0 to 2, got 3/],
    [pair({ reads: [[1, null]] }), /reads\[0\]\[1\]: .* got null/],
  ])('%j are no patterns, and it is said why', (document, problem) => {
    const predictor = newPredictor()
    expect(predictor.importPatterns(document)).toEqual({ problem: expect.stringMatching(problem) })
    expect(predictor.history.total).toBe(0)
  })
})
