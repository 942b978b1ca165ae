import { describe, expect, it } from '@jest/globals'
import { Stamps } from '../../../src/cache/foreign/stamps.ts'
import type { L2Stamp, StampOf } from '../../../src/cache/l2/l2.ts'
import { type Source, sourceName } from '../../../src/cache/sources/codes.ts'
import { Sources } from '../../../src/cache/sources/sources.ts'
import { virtualClock } from '../../../src/clock.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'

function stage() {
  const timer = new ManualTimer(virtualClock())
  const sources = new Sources()
  const source = sources.idOf('prices', 3)
  sources.idOf('prices', 4)
  sources.follow(source)
  const stamped: [name: string, atMs: number][] = []
  const failures: string[] = []
  const state = {
    outcome: { status: 'stamped', isRead: true } as L2Stamp,
    isSettled: true,
    /** The last of what waits begins to be written. */
    begin: Promise.resolve(),
    /** All of it is written. */
    end: Promise.resolve(),
    isPushed: true,
    rounds: 0,
    pending: 0,
    lacking: new Set<number>(),
  }
  const stamps = new Stamps({
    sources,
    l2: {
      stamp: async (stamps: readonly StampOf[]) => {
        for (const { name, ageMs } of stamps) stamped.push([name, timer.now() - ageMs()])
        return state.outcome
      },
    },
    writeBehind: { settled: (onBegin) => settled(state, onBegin), lacks: (id) => state.lacking.has(id) },
    pushBack: {
      round: async () => {
        state.rounds++
        return state.isPushed
      },
    },
    deletions: {
      get pending() {
        return state.pending
      },
    },
    onFailed: (reason) => failures.push(reason),
    timer: timer.start,
    now: timer.now,
  })
  return { stamps, timer, sources, source, stamped, failures, state }
}

interface Settling {
  readonly begin: Promise<void>
  readonly end: Promise<void>
  readonly isSettled: boolean
}

async function settled(state: Settling, onBegin?: () => void): Promise<boolean> {
  await state.begin
  onBegin?.()
  await state.end
  return state.isSettled
}

describe('the stamps of a node', () => {
  it('say as of when all values of its partitions are in L2, and say nothing of others', async () => {
    const { stamps, timer, sources, source, stamped } = stage()
    stamps.start()
    await timer.advance(20)
    expect(stamped).toEqual([])
    sources.raise(source, 7)
    await timer.advance(1_000)
    expect(stamped[0]).toEqual(['prices/3', 7])
    expect(new Set(stamped.map(([name]) => name))).toEqual(new Set(['prices/3']))
  })

  it('are not set for a partition of which L2 lacks a value, and are for the others', async () => {
    const { stamps, timer, sources, source, stamped, state } = stage()
    const other = sources.idOf('prices', 4)
    sources.follow(other)
    for (const id of [source, other]) sources.raise(id, 7)
    state.lacking.add(source)
    stamps.start()
    await timer.advance(15)
    expect(stamped).toEqual([['prices/4', 7]])
    state.lacking.clear()
    for (const id of [source, other]) sources.unkept.add(id)
    await timer.advance(1_000)
    sources.unkept.clear()
    const before = stamped.length
    await timer.advance(20)
    expect(stamped.slice(before, before + 2)).toEqual([
      ['prices/3', 7],
      ['prices/4', 7],
    ])
  })

  it('say as of when everything had come that was written when the last of it began to be', async () => {
    const { stamps, timer, sources, source, stamped, state } = stage()
    const { promise, resolve } = Promise.withResolvers<void>()
    state.begin = promise
    sources.raise(source, 7)
    stamps.start()
    await timer.advance(20)
    sources.raise(source, 12)
    resolve()
    await timer.advance(0)
    expect(stamped[0]).toEqual(['prices/3', 12])
  })

  it('are not set for a partition of which L2 may lack values, though the node loses it while the flush is written', async () => {
    const { stamps, timer, sources, source, stamped, state } = stage()
    const { promise, resolve } = Promise.withResolvers<void>()
    state.end = promise
    sources.raise(source, 7)
    sources.unkept.add(source)
    stamps.start()
    await timer.advance(20)
    sources.lose(source)
    sources.unkept.delete(source)
    resolve()
    await timer.advance(20)
    expect(stamped).toEqual([])
  })

  it('are set every second, and every 15 ms while some node reads them', async () => {
    const { stamps, timer, sources, source, stamped, state } = stage()
    sources.raise(source, 7)
    state.outcome = { status: 'stamped', isRead: false }
    stamps.start()
    await timer.advance(3_000)
    expect(stamped.length).toBe(3)
    state.outcome = { status: 'stamped', isRead: true }
    await timer.advance(1_000)
    stamped.length = 0
    await timer.advance(1_000)
    expect(stamped.length).toBe(67)
  })

  it.each([
    ['there is a new connection', false, (stamps: Stamps) => stamps.connected()],
    ['nobody reads them any more', true, () => undefined],
  ])('are set every 15 ms for three seconds after %s', async (_, isRead, happens) => {
    const { stamps, timer, sources, source, stamped, state } = stage()
    sources.raise(source, 7)
    state.outcome = { status: 'stamped', isRead }
    stamps.start()
    await timer.advance(5_500)
    state.outcome = { status: 'stamped', isRead: false }
    happens(stamps)
    stamped.length = 0
    await timer.advance(3_000)
    expect(stamped.length).toBeGreaterThanOrEqual(199)
    await timer.advance(2_000)
    stamped.length = 0
    await timer.advance(2_000)
    expect(stamped.length).toBe(2)
  })

  it.each(['isSettled', 'pending'] as const)('are not set while L2 lacks something (%s)', async (what) => {
    const { stamps, timer, sources, source, stamped, state } = stage()
    sources.raise(source, 7)
    if (what === 'isSettled') state.isSettled = false
    else state.pending = 1
    stamps.start()
    await timer.advance(3_000)
    expect(stamped).toEqual([])
  })

  it('wait until L2 has all values again after a new connection', async () => {
    const { stamps, timer, sources, source, stamped, state } = stage()
    sources.raise(source, 7)
    stamps.start()
    await timer.advance(100)
    const before = state.rounds
    state.isPushed = false
    stamps.connected()
    stamped.length = 0
    await timer.advance(1_000)
    expect(stamped).toEqual([])
    state.isPushed = true
    await timer.advance(1_000)
    expect(stamped.length).toBeGreaterThan(0)
    expect(state.rounds).toBeGreaterThan(before)
  })

  it('wait until L2 has all values again when it has lost a stamp', async () => {
    const { stamps, timer, sources, source, state } = stage()
    sources.raise(source, 7)
    stamps.start()
    await timer.advance(100)
    const before = state.rounds
    state.outcome = { status: 'lost' }
    await timer.advance(15)
    state.outcome = { status: 'stamped', isRead: true }
    await timer.advance(100)
    expect(state.rounds).toBe(before + 1)
  })

  it('are of no moment if the connection was lost before they were sent', async () => {
    const { stamps, timer, sources, source, state } = stage()
    sources.raise(source, 7)
    let age = 0
    state.outcome = { status: 'unavailable', reason: 'not connected' }
    const late = new Stamps({
      sources,
      l2: {
        stamp: async ([stamp]: readonly StampOf[]) => {
          late.connected()
          age = stamp?.ageMs() ?? 0
          return state.outcome
        },
      },
      writeBehind: { lacks: () => false, settled: (onBegin) => settled(state, onBegin) },
      pushBack: { round: async () => true },
      timer: timer.start,
      now: timer.now,
    })
    late.start()
    await timer.advance(20)
    late.close()
    stamps.close()
    expect(age).toBe(Number.POSITIVE_INFINITY)
  })

  it('go with the topics that this node has found to be one source, at once, even if L2 lacks something', async () => {
    const { stamps, timer, sources, source, stamped, state } = stage()
    state.outcome = { status: 'stamped', isRead: false }
    state.isSettled = false
    stamps.start()
    await timer.advance(100)
    sources.merge(source, source)
    await timer.advance(1)
    expect(stamped).toEqual([['prices/*', 101]])
  })

  it.each([
    ['its topic', 'prices/*', 'other/0'],
    ['all topics', '*/*', undefined],
  ])('bring the word of another node that %s is one source, and do not tell it again', async (_, name, apart) => {
    const { stamps, timer, sources, source, stamped, state } = stage()
    const other = sources.idOf('other', 0)
    state.outcome = { status: 'stamped', isRead: false, joined: [name, 'unheard/*'] }
    stamps.start()
    await timer.advance(3_000)
    const nameOf = (id: number) => sourceName(sources.at(sources.resolve(id)) as Source)
    expect([nameOf(source), nameOf(other)]).toEqual([name, apart ?? name])
    expect(stamped).toEqual([])
  })

  it('tell once why they cannot be set', async () => {
    const { stamps, timer, sources, source, failures, state } = stage()
    sources.raise(source, 7)
    state.outcome = { status: 'unavailable', reason: 'NOPERM' }
    stamps.start()
    await timer.advance(5_000)
    expect(failures).toEqual(['NOPERM'])
  })
})
