import { expect, test } from '@jest/globals'
import type { PartitionPosition } from '../../../src/broker/port.ts'
import { Following } from '../../../src/cache/freshness/following.ts'
import { FOLLOWS, NEVER, Sources } from '../../../src/cache/sources/sources.ts'
import { virtualClock } from '../../../src/clock.ts'
import { sharedMs } from '../../../src/monotonic.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'

const at = (partition: number) => ({ topic: 'prices', partition })

function stage() {
  const sources = new Sources()
  const timer = new ManualTimer(virtualClock(0))
  const calls: unknown[] = []
  const arrivals = {
    assign: (ids: readonly number[]) => {
      calls.push(['assign', ids])
      for (const id of ids) sources.follow(id)
    },
    revoke: (ids: readonly number[]) => {
      calls.push(['revoke', ids])
      for (const id of ids) sources.lose(id)
    },
    mayComeFrom: (ids: ReadonlySet<number>, pairId: number) => ids.has(pairId),
  }
  const readTo = new Map<number, number>()
  const position = { topicId: undefined, position: 0n, stableEnd: 0n, highWatermark: 0n }
  const consumer = {
    positions: (): PartitionPosition[] =>
      [0, 1].map((partition) => ({ ...at(partition), ...position, readToEndAtMs: readTo.get(partition) })),
  }
  const counts = new Map([['prices', 2]])
  const state = { isSettled: true, isDeleted: true, lacking: -1 }
  const flush = Promise.withResolvers<void>()
  const flushes = { isNeeded: false }
  const writeBehind = {
    settled: async () => {
      if (flushes.isNeeded) await flush.promise
      return state.isSettled
    },
    lacks: (id: number) => id === state.lacking,
    flush: async () => flush.resolve(),
  }
  const deletions = { settled: async () => state.isDeleted }
  const told: unknown[] = []
  const unkept = { l2TtlMs: 1_000, onUnkept: (partitions: unknown) => void told.push(partitions) }
  const parts = { sources, arrivals, counts, writeBehind, deletions }
  const following = new Following({ ...parts, ...unkept, timer: timer.start })
  return { state, flushes, told, sources, timer, calls, consumer, readTo, following }
}

test('a partition is read to its end as of the sending of the fetch that found it, and unknown before', async () => {
  const { sources, timer, consumer, readTo, following } = stage()
  following.assigned(consumer, [at(0)])
  const id = sources.idOf('prices', 0)
  await timer.advance(5)
  expect(sources.asOf(id)).toBe(NEVER)
  readTo.set(0, 40)
  await timer.advance(5)
  expect(sources.asOf(id)).toBe(sharedMs(40))
  following.close()
  readTo.set(0, 50)
  await timer.advance(5)
  expect(sources.asOf(id)).toBe(sharedMs(40))
})

test('a partition that is given up is told nothing more', async () => {
  const { sources, timer, calls, consumer, readTo, following } = stage()
  following.assigned(consumer, [at(0), at(1)])
  readTo.set(0, 40)
  following.revoked([at(0)])
  await timer.advance(5)
  const [first, second] = [sources.idOf('prices', 0), sources.idOf('prices', 1)]
  expect(sources.asOf(first)).toBe(NEVER)
  expect(calls).toEqual([
    ['assign', [first, second]],
    ['revoke', [first]],
  ])
})

test('a value of L2 follows no partition that was taken over while L2 lacked values of it, for as long as L2 keeps values', async () => {
  const { sources, timer, consumer, following, told } = stage()
  const moments = () =>
    [0, 1].map((partition) => sources.asOfLoaded(sources.idOf('prices', partition), sources.snapshot()))
  following.assigned(consumer, [{ ...at(0), isKept: false }, at(1)])
  expect(told).toEqual([[{ ...at(0), isKept: false }]])
  expect(moments()).toEqual([NEVER, FOLLOWS])
  expect(sources.asOfLoaded(sources.wholeOf('prices'), sources.snapshot())).toBe(NEVER)
  await timer.advance(1_095)
  expect(moments()).toEqual([NEVER, FOLLOWS])
  await timer.advance(10)
  expect(moments()).toEqual([FOLLOWS, FOLLOWS])
  following.assigned(consumer, [{ ...at(0), isKept: false }])
  following.revoked([at(0)])
  following.assigned(consumer, [at(0)])
  expect(moments()).toEqual([FOLLOWS, FOLLOWS])
})

test('what was handled of a partition is kept if L2 has taken all values and deletions, and had all when the partition was taken', async () => {
  const { sources, consumer, following, state } = stage()
  const kept = async () => {
    const isKept = await following.kept()
    return [0, 1].map((partition) => isKept(at(partition)))
  }
  expect(await kept()).toEqual([true, true])
  state.lacking = sources.idOf('prices', 0)
  expect(await kept()).toEqual([false, true])
  following.assigned(consumer, [{ ...at(1), isKept: false }])
  expect(await kept()).toEqual([false, false])
  following.revoked([at(1)])
  expect(await kept()).toEqual([false, true])
  state.isSettled = false
  expect(await kept()).toEqual([false, false])
  state.isSettled = true
  state.isDeleted = false
  expect(await kept()).toEqual([false, false])
})

test('what was handled is written at once if the flush does not come within the time that a commit waits', async () => {
  const { following, flushes, timer } = stage()
  flushes.isNeeded = true
  let isKept: boolean | undefined
  void following.kept().then((tells) => {
    isKept = tells(at(0))
  })
  await timer.advance(499)
  expect(isKept).toBeUndefined()
  await timer.advance(1)
  expect([isKept, timer.pending]).toEqual([true, 0])
})
