import { describe, expect, it } from '@jest/globals'
import { FOLLOWS, NEVER } from '../../../src/cache/sources/sources.ts'
import { cachedPrice } from '../l2/columns.ts'
import { PAIRS, stage } from './foreign-stage.ts'

describe('foreign reads', () => {
  it('read a pair once, and again only when it has changed', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage()
    put(7, 1)
    foreign.read(7, false)
    expect(await tripsOf(100)).toEqual([1])
    expect(peek(7)).toEqual([1, FOLLOWS])
    for (let read = 0; read < 10; read++) foreign.read(7, true)
    expect(await tripsOf(100)).toEqual([])
    put(7, 2)
    tracking.told?.changed(7)
    expect(peek(7)).toEqual([1, 10])
    expect(await tripsOf(2)).toEqual([1])
    expect(peek(7)).toEqual([2, FOLLOWS])
  })

  it('gather the changes of a millisecond into one trip', async () => {
    const { foreign, tracking, put, tripsOf } = stage()
    for (let pair = 0; pair < 100; pair++) {
      put(pair, 1)
      foreign.read(pair, false)
    }
    expect(await tripsOf(100)).toEqual([100])
    for (let pair = 0; pair < 100; pair++) tracking.told?.changed(pair)
    expect(await tripsOf(2)).toEqual([100])
  })

  it('cost nothing for 100,000 pairs that were read once', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage()
    for (let pair = 0; pair < PAIRS; pair++) {
      put(pair, 1)
      foreign.read(pair, false)
    }
    const trips = await tripsOf(100)
    expect(trips.reduce((sum, pairs) => sum + pairs)).toBe(PAIRS)
    expect(Math.max(...trips)).toBeLessThanOrEqual(2_048)
    expect(tracking.mostInFlight).toBeLessThanOrEqual(4)
    await tripsOf(6_000)
    for (let pair = 0; pair < PAIRS; pair++) tracking.told?.changed(pair)
    expect(await tripsOf(1_000)).toEqual([])
    expect(peek(0)).toEqual([1, 10])
  })

  it('begin anew for a pair that is read again after a while', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage()
    put(7, 1)
    foreign.read(7, false)
    await tripsOf(10_000)
    put(7, 2)
    tracking.told?.changed(7)
    foreign.read(7, false)
    await tripsOf(100)
    expect(peek(7)).toEqual([2, FOLLOWS])
  })

  it('fix the moments of all values when messages may have been missed, and read the pairs in use again', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage()
    put(7, 1)
    foreign.read(7, false)
    await tripsOf(100)
    tracking.told?.lost()
    expect(peek(7)).toEqual([1, 10])
    tracking.stamp = 20
    put(7, 2)
    tracking.told?.armed('told')
    await tripsOf(100)
    expect(peek(7)).toEqual([2, FOLLOWS])
  })

  it('let no value follow a source whose stamp is behind its moment, because L2 may have lost a newer one', async () => {
    const { foreign, tracking, sources, source, put, peek, tripsOf } = stage()
    put(7, 2)
    tracking.stamp = 20
    foreign.read(7, false)
    await tripsOf(100)
    tracking.told?.lost()
    tracking.stamp = 15
    put(8, 1)
    tracking.told?.armed('told')
    foreign.read(8, false)
    await tripsOf(100)
    expect([peek(8), sources.asOf(source), sources.isDoubted(source)]).toEqual([[1, 15], 20, true])
    expect(sources.asOfLoaded(source, sources.snapshot())).toBe(15)
    put(8, 3)
    tracking.told?.changed(8)
    tracking.stamp = 21
    await tripsOf(100)
    expect(peek(8)).toEqual([3, FOLLOWS])
    expect(peek(7)).toEqual([2, FOLLOWS])
  })

  it('read once more what has changed during its read', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage()
    put(7, 1)
    foreign.read(7, false)
    await tripsOf(100)
    const { read } = tracking
    tracking.read = async (pairIds) => {
      tracking.read = read
      const values = await read.call(tracking, pairIds)
      put(7, 3)
      tracking.told?.changed(7)
      return values
    }
    put(7, 2)
    tracking.told?.changed(7)
    expect(await tripsOf(10)).toEqual([1, 1])
    expect(peek(7)).toEqual([3, FOLLOWS])
  })

  it('try again at the next fence if nothing answered', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage()
    put(7, 1)
    tracking.isAway = true
    foreign.read(7, false)
    await tripsOf(30)
    tracking.isAway = false
    await tripsOf(30)
    expect(peek(7)).toEqual([1, FOLLOWS])
  })

  it('leave the value of a pair that is gone from L2, with its moment', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage()
    put(7, 1)
    foreign.read(7, false)
    await tripsOf(100)
    tracking.values.delete(7)
    tracking.told?.changed(7)
    tracking.stamp = 20
    for (let read = 0; read < 10; read++) foreign.read(7, false)
    expect(await tripsOf(100)).toEqual([1])
    expect(peek(7)).toEqual([1, 10])
  })

  it('take no value that is older than the one of L1, and leave that its moment', async () => {
    const { foreign, tracking, put, peek, l1, tripsOf } = stage()
    l1.fill(7, cachedPrice({ version: 5 }))
    put(7, 4)
    foreign.read(7, false)
    await tripsOf(100)
    expect(peek(7)).toEqual([5, NEVER])
    put(7, 5)
    tracking.told?.changed(7)
    foreign.read(7, false)
    await tripsOf(100)
    expect(peek(7)?.[0]).toBe(5)
  })

  it('bring a pair that was missed as soon as another node writes it, and none that this node follows', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage({ isFollowed: (pairId) => pairId === 8 })
    foreign.missed(7)
    foreign.missed(8)
    expect(await tripsOf(100)).toEqual([1])
    put(7, 1)
    tracking.told?.changed(7)
    await tripsOf(10)
    expect(peek(7)).toEqual([1, FOLLOWS])
  })

  it('are none for missed pairs while this node follows all partitions', async () => {
    const { foreign, sources, source, tripsOf } = stage()
    sources.follow(source)
    foreign.missed(7)
    expect(await tripsOf(100)).toEqual([])
  })

  it('make connections once the first of these is read, and none while this node follows all partitions', async () => {
    const { foreign, tracking, sources, source } = stage()
    sources.follow(source)
    foreign.missed(7)
    expect(tracking.opened).toBe(0)
    sources.lose(source)
    for (let read = 0; read < 2; read++) foreign.missed(7)
    expect(tracking.opened).toBe(1)
  })

  it('take nothing that was read before the connections were armed anew for the newest', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage()
    put(7, 1)
    foreign.read(7, false)
    await tripsOf(100)
    tracking.isAway = true
    tracking.told?.armed('told')
    expect(peek(7)).toEqual([1, 10])
  })

  it('are dropped for pairs that hold others back and are not in use, and begin anew with the next read', async () => {
    const { foreign, tracking, put, peek, tripsOf } = stage()
    const groupOf = (pairId: number) => (pairId === 7 ? 1 : 2)
    put(7, 1)
    foreign.read(7, false)
    await tripsOf(100)
    expect(tracking.told?.dropIdle(groupOf)).toEqual(new Set([1]))
    foreign.read(8, false)
    await tripsOf(6_000)
    expect(peek(7)).toEqual([1, FOLLOWS])
    expect(tracking.told?.dropIdle(groupOf)).toEqual(new Set())
    expect(peek(7)).toEqual([1, 10])
    foreign.read(7, false)
    await tripsOf(100)
    expect(peek(7)).toEqual([1, FOLLOWS])
  })

  it('pass on that a chain has lost its id', () => {
    const { foreign, tracking } = stage()
    foreign.forgetChain(3)
    expect(tracking.forgotten).toEqual([3])
  })

  it('tell of deletions', async () => {
    const { foreign, tracking, deleted, tripsOf } = stage()
    tracking.values.set(7, { ok: true, price: undefined, version: 9 })
    foreign.read(7, false)
    await tripsOf(100)
    expect(deleted).toEqual([[7, 10]])
  })

  it('take no value from too far in the future', async () => {
    const { foreign, put, peek, tripsOf } = stage({ keepsOut: (version) => version > 100 })
    put(7, 101)
    foreign.read(7, false)
    await tripsOf(100)
    expect(peek(7)).toBeUndefined()
  })

  it('raise the moments of sources that other nodes follow, and know no topic by its stamp alone', async () => {
    const { foreign, tracking, sources, source, tripsOf } = stage()
    foreign.read(7, false)
    await tripsOf(100)
    expect(sources.asOf(source)).toBe(10)
    expect(sources.hasTopic('left')).toBe(false)
    sources.follow(source)
    tracking.stamp = 20
    await tripsOf(100)
    expect(sources.asOf(source)).toBe(NEVER)
  })

  it('make the connections anew when the stamps cannot be read', async () => {
    const { foreign, tracking, tripsOf } = stage()
    tracking.toldAll = async () => false
    foreign.read(7, false)
    await tripsOf(5)
    expect(tracking.resets).toBe(1)
  })

  it('are sent for when the trips from before a loss have come back', async () => {
    const { foreign, tracking, tripsOf } = stage()
    const replies: (() => void)[] = []
    tracking.read = async () => {
      await new Promise<void>((resolve) => replies.push(resolve))
      return ['gone']
    }
    for (let pair = 0; pair < 4; pair++) {
      foreign.read(pair, false)
      await tripsOf(5)
    }
    expect(replies.length).toBe(4)
    tracking.told?.lost()
    tracking.told?.armed('told')
    await tripsOf(100)
    for (const reply of replies.splice(0)) reply()
    await tripsOf(100)
    expect(replies.length).toBe(1)
  })

  it('stop reading stamps while no such pair is read', async () => {
    const { foreign, timer, tripsOf } = stage()
    foreign.read(7, false)
    await tripsOf(6_000)
    expect(timer.pending).toBe(0)
  })

  it('stop tracking for a while when most messages tell of no change', async () => {
    const { foreign, tracking, put, tripsOf } = stage()
    for (let pair = 0; pair < 1_000; pair++) put(pair, 1)
    for (let round = 0; round < 20; round++) {
      for (let pair = 0; pair < 1_000; pair++) foreign.read(pair, true)
      await tripsOf(100)
      for (let pair = 0; pair < 1_000; pair++) tracking.told?.changed(pair)
    }
    expect(tracking.silent).toContain(true)
  })
})
