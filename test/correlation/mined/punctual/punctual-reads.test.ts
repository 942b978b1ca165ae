import { describe, expect, test } from '@jest/globals'
import type { WindowEntries } from '../../../../src/correlation/mined/log-window.ts'
import { finished } from '../../../../src/correlation/mined/pieces.ts'
import { PROFILE_MS } from '../../../../src/correlation/mined/punctual/lag-profile.ts'
import { PunctualReads } from '../../../../src/correlation/mined/punctual/punctual-reads.ts'
import { entryOf, READ_BIT, SLICE_MS } from '../../../../src/correlation/mined/update-log.ts'
import { mulberry32 } from '../../../harness/mulberry32.ts'

const PAIRS = 300
const GROUP = 4
const SEED = 7
const MINUTES_2 = 120_000

type Entry = readonly [mark: number, timeMs: number]

const updateAt = (pairId: number, timeMs: number): Entry => [pairId * 2, timeMs]
const readAt = (pairId: number, timeMs: number): Entry => [pairId * 2 + READ_BIT, timeMs]

function entriesOf(entries: readonly Entry[], chainId = 0): WindowEntries {
  const sorted = entries.toSorted(([, a], [, b]) => a - b)
  const slices = Int32Array.from(sorted, ([, timeMs]) => Math.floor(timeMs / SLICE_MS))
  return { chainId, slices, marks: marksOf(sorted), count: entries.length }
}

function marksOf(entries: readonly Entry[]): Int32Array {
  return Int32Array.from(entries, ([mark, timeMs]) => entryOf(mark, timeMs - Math.floor(timeMs / SLICE_MS) * SLICE_MS))
}

function siblingsOf(pairId: number): readonly number[] {
  const first = pairId - (pairId % GROUP)
  return Array.from({ length: GROUP }, (_, i) => first + i).filter((other) => other !== pairId)
}

/** Updates a third of the pairs within 40 ms, in random order, and reads the siblings of each 50 ms after it. */
function sweep(number: number, random: () => number): readonly Entry[] {
  return Array.from({ length: PAIRS }, (_, pairId) => pairId)
    .filter(() => random() < 1 / 3)
    .flatMap((pairId) => {
      const timeMs = number * MINUTES_2 + Math.floor(random() * 40)
      return [updateAt(pairId, timeMs), ...siblingsOf(pairId).map((sibling) => readAt(sibling, timeMs + 50))]
    })
}

/** Pair 1 is followed by a read of pair 2 after `lagMs`, every two minutes. */
function following(times: number, lagMs: number): readonly Entry[] {
  return Array.from({ length: times }, (_, at) => [
    updateAt(1, at * MINUTES_2),
    readAt(2, at * MINUTES_2 + lagMs),
  ]).flat()
}

describe(`reads after updates (seed ${SEED})`, () => {
  test('are told from those of bystanders in sweeps of a hundred updates', () => {
    const punctual = new PunctualReads(PAIRS)
    const random = mulberry32(SEED)
    const found = { siblings: 0, bystanders: 0 }
    for (let number = 0; number < 24; number++) {
      finished(punctual.take(entriesOf(sweep(number, random))))
      for (let pairId = 0; pairId < PAIRS; pairId++) {
        const edges = punctual.after(pairId, 0)
        if (number < 23) continue
        for (const { mark, lagMs } of edges) {
          const isSibling = siblingsOf(pairId).includes(mark >> 1) && lagMs === 50
          found[isSibling ? 'siblings' : 'bystanders']++
        }
      }
    }
    expect(found.siblings).toBeGreaterThan(0.95 * PAIRS * (GROUP - 1))
    expect(found.bystanders).toBeLessThan(0.01 * PAIRS)
  })

  test('have a lag in whole milliseconds, hits, trials, a lift and the slice of the last hit', () => {
    const punctual = new PunctualReads(PAIRS)
    finished(punctual.take(entriesOf([...following(9, 47), updateAt(1, 9 * MINUTES_2), readAt(3, 9 * MINUTES_2 + 47)])))
    const [edge, ...others] = punctual.after(1, 0)
    expect(edge).toMatchObject({ mark: 5, lagMs: 47, hits: 7, trials: 8, lastSlice: (8 * MINUTES_2) / SLICE_MS })
    expect(edge?.lift).toBeGreaterThan(5)
    expect(edge?.z).toBeGreaterThan(4)
    expect(others).toEqual([])
  })

  test('that the history has several times, as others came in between, count once', () => {
    const bystanders = (at: number) =>
      Array.from({ length: PROFILE_MS }, (_, ms) => readAt(100 + ((ms + at * 7) % PROFILE_MS), at * MINUTES_2 + ms))
    const again = Array.from({ length: 8 }, (_, n) => [readAt(2, 46), readAt(2, 45 - (n % 2))]).flat()
    const entries = Array.from({ length: 8 }, (_, at) => [updateAt(1, at * MINUTES_2), ...bystanders(at)]).flat()
    // Within a slice, entries stay as they came.
    const inSlices = [...entries, ...again].toSorted(
      ([, a], [, b]) => Math.floor(a / SLICE_MS) - Math.floor(b / SLICE_MS),
    )
    const punctual = new PunctualReads(PAIRS)
    finished(punctual.take({ ...entriesOf(inSlices), marks: marksOf(inSlices) }))
    expect(punctual.after(1, 0)).toEqual([])
  })

  test.each([0, PROFILE_MS - 1])('are found %d ms after the update', (lagMs) => {
    const punctual = new PunctualReads(PAIRS)
    finished(punctual.take(entriesOf(following(8, lagMs))))
    expect(punctual.after(1, 0)).toMatchObject([{ mark: 5, lagMs }])
  })

  test('do not follow later updates, updates too long ago, or updates of their own pair', () => {
    const punctual = new PunctualReads(PAIRS)
    const itself = Array.from({ length: 8 }, (_, at) => readAt(1, at * MINUTES_2 + 50))
    finished(punctual.take(entriesOf([...following(8, -1), ...itself])))
    finished(punctual.take(entriesOf(following(8, PROFILE_MS))))
    expect(punctual.after(1, 0)).toEqual([])
  })

  test('are believed sooner with a lag that many others have', () => {
    const punctual = new PunctualReads(PAIRS)
    const early = (leader: number, lagMs: number) =>
      [0, 1, 2].flatMap((at) => {
        const timeMs = at * MINUTES_2 + leader * 1000
        const bystander = (ms: number) => readAt(100 + ((ms + at * 7) % PROFILE_MS), timeMs + ms)
        const bystanders = Array.from({ length: PROFILE_MS }, (_, ms) => bystander(ms))
        return [updateAt(leader, timeMs), readAt(leader + 1, timeMs + lagMs), ...bystanders]
      })
    finished(punctual.take(entriesOf([...following(8, 50), ...early(10, 50), ...early(20, 90)])))
    expect([punctual.after(10, 0), punctual.after(20, 0)]).toEqual([[], []])
    for (let times = 0; times < 50; times++) punctual.after(1, 0)
    expect([punctual.after(10, 0), punctual.after(20, 0)]).toMatchObject([[{ mark: 23 }], []])
  })

  test('are found over several stretches, within a chain, and forgotten with either pair', () => {
    const entries = following(8, 50)
    const punctual = new PunctualReads(PAIRS)
    for (let at = 0; at < entries.length; at += 2) finished(punctual.take(entriesOf(entries.slice(at, at + 2), 3)))
    expect([punctual.after(1, 0).length, punctual.after(1, 3).length]).toEqual([0, 1])
    finished(punctual.forget((pairId) => pairId === 2))
    expect(punctual.after(1, 3)).toEqual([])
    finished(punctual.take(entriesOf(following(8, 60), 3)))
    expect(punctual.after(1, 3)).toMatchObject([{ lagMs: 60 }])
    finished(punctual.forget((pairId) => pairId === 1))
    expect(punctual.after(1, 3)).toEqual([])
  })

  test('do not count as missing after updates older than the remembered reads', () => {
    const punctual = new PunctualReads(PAIRS)
    const before = Array.from({ length: 4 }, (_, at) => updateAt(1, (at - 4) * MINUTES_2))
    finished(punctual.take(entriesOf([...before, ...following(6, 50)])))
    expect(punctual.after(1, 0)).toMatchObject([{ mark: 5, hits: 6, trials: 6 }])
  })

  test('count as missing after an update with at least one remembered lag', () => {
    const edgesWithUpdateAt = (timeMs: number) => {
      const punctual = new PunctualReads(PAIRS)
      finished(punctual.take(entriesOf([updateAt(1, timeMs), readAt(3, -1000), ...following(7, 50)])))
      return punctual.after(1, 0)
    }
    // Memory begins with the first read.
    expect(edgesWithUpdateAt(-1000 - PROFILE_MS)).toMatchObject([{ hits: 7, trials: 7 }])
    expect(edgesWithUpdateAt(-999 - PROFILE_MS)).toMatchObject([{ hits: 7, trials: 8 }])
  })

  test('are found if half of the updates have one, not if a quarter has', () => {
    const readAfter = (times: number) => {
      const punctual = new PunctualReads(PAIRS)
      const updates = Array.from({ length: 8 - times }, (_, at) => updateAt(1, (at + times) * MINUTES_2))
      const others = Array.from({ length: 800 }, (_, at) =>
        readAt(3 + (at % 200), (at % 8) * MINUTES_2 + (at % PROFILE_MS)),
      )
      finished(punctual.take(entriesOf([...following(times, 50), ...updates, ...others])))
      return punctual.after(1, 0).filter(({ mark }) => mark === 5)
    }
    expect([readAfter(2), readAfter(4)]).toMatchObject([[], [{ hits: 4, trials: 8 }]])
  })

  test('are not looked for if tens of thousands come after each update', () => {
    const punctual = new PunctualReads(PAIRS)
    const crowd = Array.from({ length: 70_000 }, (_, at) => readAt(at % PAIRS, MINUTES_2 + Math.floor(at / 700)))
    finished(punctual.take(entriesOf([...following(2, 50), ...crowd])))
    expect([punctual.after(1, 0), punctual.looked]).toEqual([[], 0])
  })

  test('are kept for the 64 chains that were read last', () => {
    const punctual = new PunctualReads(PAIRS)
    const readIn = (chainId: number) => finished(punctual.take(entriesOf([readAt(9, 0)], chainId)))
    finished(punctual.take(entriesOf(following(8, 50))))
    for (let chainId = 1; chainId < 64; chainId++) readIn(chainId)
    expect(punctual.after(1, 0)).toHaveLength(1)
    readIn(1)
    readIn(64)
    expect(punctual.after(1, 0)).toEqual([])
  })
})
