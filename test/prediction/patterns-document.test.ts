import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Predictor } from '../../src/prediction/predictor.ts'
import { lived, MONDAY, ms, newPredictor, readOnMondays } from './histories.ts'

describe('patterns', () => {
  test('that are exported and imported lead to the same recommendations', () => {
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

  test.each(['', 'a\0b', '\ud800'])('of a pair whose updates name the group %j can be imported again', (group) => {
    const options = { maxPairs: 9, historyHours: 168, settleHours: 0, idOf: () => 0 }
    const predictor = new Predictor({ ...options, namesOf: () => ({ chain: 'c', pair: 'p', group }) })
    predictor.recordAccess(0, ms(MONDAY))
    expect(predictor.importPatterns(predictor.exportPatterns())).toEqual({ refused: 0 })
  })

  test.each([0, 1, 49, 50, 51, 120])('of %d pairs are the same document as text in pieces', (pairs) => {
    const predictor = newPredictor(200)
    predictor.tell(ms(MONDAY))
    for (let pairId = 0; pairId < pairs; pairId++) predictor.recordAccess(pairId, ms(MONDAY + (pairId % 3)))
    expect(JSON.parse([...predictor.patternText()].join(''))).toEqual(predictor.exportPatterns())
  })

  test('of three weeks lead to the same forecast when they are imported', () => {
    const [before, after] = [newPredictor(100, 504), newPredictor(100, 504)]
    for (let week = 0; week < 3; week++) before.recordAccess(0, ms(MONDAY + week * 168 + 5))
    const nowMs = ms(MONDAY + 3 * 168 + 4)
    before.tell(nowMs)
    expect(after.importPatterns(before.exportPatterns(), nowMs)).toEqual({ refused: 0 })
    const options = { hours: 1, limit: 5 }
    expect(after.forecast(nowMs, options)).toMatchObject([{ pairId: 0, reason: '1 reads expected Monday 05:00 UTC' }])
    expect(after.forecast(nowMs, options)).toEqual(before.forecast(nowMs, options))
  })

  test('that are added lead to the same forecast once it has learned from them, an hour at a time', () => {
    const [before, whole, sliced] = [newPredictor(100, 504), newPredictor(100, 504), newPredictor(100, 504)]
    for (let week = 0; week < 3; week++) before.recordAccess(0, ms(MONDAY + week * 168 + 5))
    const nowMs = ms(MONDAY + 3 * 168 + 4)
    before.tell(nowMs)
    const document = before.exportPatterns()
    whole.importPatterns(document, nowMs)
    expect(sliced.addPatterns(document, nowMs)).toEqual({ refused: 0 })
    expect(sliced.forecast(nowMs, { hours: 1, limit: 5 })).toEqual([])
    let hours = 0
    while (sliced.learnHour()) hours++
    expect(hours).toBeGreaterThan(300)
    expect(sliced.forecast(nowMs, { hours: 1, limit: 5 })).toEqual(whole.forecast(nowMs, { hours: 1, limit: 5 }))
  })

  test('of this week, when imported, keep what the forecast learned in earlier weeks', () => {
    const predictor = newPredictor()
    readOnMondays(predictor, { pairId: 0, weeks: 4 })
    const nowMs = ms(MONDAY + 4 * 168 + 4)
    predictor.tell(nowMs)
    const before = predictor.forecast(nowMs, { hours: 1, limit: 5 })
    expect(before).toHaveLength(1)
    expect(predictor.importPatterns(predictor.exportPatterns(), nowMs)).toEqual({ refused: 0 })
    expect(predictor.forecast(nowMs, { hours: 1, limit: 5 })).toEqual(before)
  })

  test('of later hours are learned from together with the node’s own hours', () => {
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

  test('begin with the first hour, even if nothing was read in it', () => {
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

  test('that are too old change nothing, not even the first hour', () => {
    const [before, after] = [lived(), newPredictor()]
    after.recordAccess(1, ms(MONDAY + 500))
    expect(after.importPatterns(before.exportPatterns())).toEqual({ refused: 0 })
    expect([after.history.firstHour, after.history.total]).toEqual([MONDAY + 500, 1])
  })

  test('without any hour are imported, too', () => {
    const nothing = JSON.parse([...newPredictor().patternText()].join(''))
    expect(nothing).toEqual(newPredictor().exportPatterns())
    const predictor = newPredictor()
    expect(predictor.importPatterns(nothing)).toEqual({ refused: 0 })
    predictor.recordAccess(0, ms(MONDAY))
    expect(predictor.history.firstHour).toBe(MONDAY)
  })

  test('that are imported twice, or into the predictor that exported them, count once', () => {
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

  test('of pairs without room are refused, and counted', () => {
    expect(newPredictor(1).importPatterns(lived().exportPatterns())).toEqual({ refused: 1 })
    let nextId = 7
    const roomier = new Predictor({ maxPairs: 1, namesOf: () => ({ chain: '', pair: '' }), idOf: () => nextId++ })
    expect(roomier.importPatterns(lived().exportPatterns())).toEqual({ refused: 1 })
  })

  test('of a later week get the room of pairs that were not read since', () => {
    const predictor = newPredictor(1_000)
    const small = new Predictor({
      maxPairs: 2,
      namesOf: (pairId) => ({ chain: 'fx', pair: `P${pairId}` }),
      idOf: ({ pair }) => Number(pair.slice(1)),
    })
    for (const pairId of [0, 1]) small.recordAccess(pairId, ms(MONDAY))
    // Pair 4 was read only in an hour that is no longer kept then, so it takes no place.
    for (const pairId of [2, 3, 4]) predictor.recordAccess(pairId, ms(MONDAY + (pairId === 4 ? 0 : 167)))
    predictor.tell(ms(MONDAY + 167))
    expect(small.importPatterns({ ...predictor.exportPatterns(), lastHour: MONDAY + 168 })).toEqual({ refused: 1 })
    expect([2, 3, 4].map((pairId) => small.history.between(pairId, MONDAY, MONDAY + 168))).toEqual([1, 1, 0])
    const again = newPredictor(2)
    expect(again.importPatterns(small.exportPatterns())).toEqual({ refused: 0 })
    expect(again.exportPatterns().pairs).toHaveLength(2)
  })

  test('of a pair that changes its place while the text is made are in it once', () => {
    const predictor = new Predictor({
      maxPairs: 102,
      namesOf: (pairId) => ({ chain: 'fx', pair: `P${pairId}` }),
      idOf: ({ pair }) => Number(pair.slice(1)),
    })
    for (let pairId = 0; pairId < 100; pairId++) predictor.recordAccess(pairId, ms(MONDAY + (pairId === 0 ? 0 : 5)))
    predictor.tell(ms(MONDAY + 167))
    const pieces: string[] = []
    for (const piece of predictor.patternText()) {
      pieces.push(piece)
      predictor.tell(ms(MONDAY + 168))
      // The new pair takes the first one's place. The first one is then read late, in an hour of the text.
      predictor.recordAccess(200, ms(MONDAY + 168))
      predictor.recordAccess(0, ms(MONDAY + 100))
    }
    const { pairs } = JSON.parse(pieces.join(''))
    expect(pairs.filter(({ pair }: { pair: string }) => pair === 'P0')).toHaveLength(1)
  })

  test('with any value changed are taken or refused as a whole', () => {
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
      /pairs\[1\]: "p" of "c" is there twice/,
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
    [pair({ reads: [7] }), /reads\[0\]\[0\]: .* got nothing/],
    [{ ...good, firstHour: 0, lastHour: -2 }, /lastHour/],
    [[], /expected an object, got a list/],
    [pair({ group: 3 }), /\.group: expected a name, got 3/],
    [pair({ reads: [[3, 1]] }), /reads\[0\]\[0\]: expected an hour from 0 to 2, got 3/],
    [pair({ reads: [[1, null]] }), /reads\[0\]\[1\]: .* got null/],
  ])('given as %j are refused with the reason', (document, problem) => {
    const predictor = newPredictor()
    expect(predictor.importPatterns(document)).toEqual({ problem: expect.stringMatching(problem) })
    expect(predictor.history.total).toBe(0)
  })
})
