import { beforeEach, expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { Deletions } from '../../../src/cache/l2/deletions.ts'
import type { Deletion, L2Write } from '../../../src/cache/l2/l2.ts'
import { createMemoryL2 } from '../../../src/cache/l2/memory.ts'
import { virtualClock } from '../../../src/clock.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'
import { columnsOf } from './columns.ts'

const T0 = 1_783_715_268_000
const V0 = T0 * VERSIONS_PER_MS
const TTL_MS = 3_600_000
const AWAY = { status: 'unavailable', reason: 'away' } as const

class Stage {
  readonly clock = virtualClock(T0)
  readonly timer = new ManualTimer(this.clock)
  readonly l1 = new L1({ slots: 10, maxPairs: 1_000 })
  readonly lost: [number, string][] = []
  readonly sent: (readonly Deletion[])[] = []
  isAway = false
  /** Set by the test: Redis as it is, and Redis after it was emptied. */
  l2 = this.memory()
  readonly deletions = new Deletions({
    l1: this.l1,
    l2: { delete: (deletions) => this.#delete(deletions) },
    clock: this.clock,
    tombstoneTtlMs: TTL_MS,
    onLost: (count, reason) => this.lost.push([count, reason]),
    timer: this.timer.start,
  })

  memory() {
    const onNewer = (pairId: number, floor: number) => {
      if (this.l1.floor(pairId) < floor) this.l1.remove(pairId, floor)
    }
    return createMemoryL2({ clock: this.clock, random: () => 0.5, ttlMs: TTL_MS, onNewer })
  }

  write(version: number): Promise<L2Write> {
    return this.l2.write(columnsOf([{ pairId: 0, version }]), 0, 1)
  }

  /** Deletes pair 0 as a node does: L1 first. */
  remove(version: number, upTo?: number): Promise<L2Write> {
    this.l1.remove(0, version + 1)
    return this.deletions.delete({ pairId: 0, version, ...(upTo !== undefined && { upTo }) })
  }

  async stored(): Promise<number | undefined> {
    const load = await this.l2.load([0])
    return load.status === 'loaded' ? load.rows[0]?.version : undefined
  }

  async #delete(deletions: readonly Deletion[]): Promise<L2Write> {
    this.sent.push(deletions)
    return this.isAway ? AWAY : this.l2.delete(deletions)
  }
}

let stage: Stage

beforeEach(() => {
  stage = new Stage()
})

test('a deletion that L2 did not take is sent again until L2 takes it', async () => {
  await stage.write(V0 - 5)
  stage.isAway = true
  expect(await stage.remove(V0 - 5)).toEqual(AWAY)
  await stage.timer.advance(1_000)
  stage.isAway = false
  await stage.timer.advance(200)
  expect([await stage.stored(), stage.deletions.pending, stage.timer.pending]).toEqual([undefined, 0, 0])
})

test('deletions are settled when L2 has those that were made before, and are not while it does not take them', async () => {
  const { deletions } = stage
  expect(await deletions.settled()).toBe(true)
  void stage.remove(V0)
  expect([await deletions.settled(), stage.sent.length]).toEqual([true, 1])
  stage.isAway = true
  void stage.remove(V0 + 1)
  expect(await deletions.settled()).toBe(false)
  stage.isAway = false
  expect([await deletions.settled(), deletions.pending]).toEqual([true, 0])
})

test('a deletion that comes late deletes what L2 had when it was made, and no value made after it', async () => {
  for (const [stored, left] of [
    [V0, undefined],
    [V0 + VERSIONS_PER_MS, V0 + VERSIONS_PER_MS],
  ]) {
    stage = new Stage()
    stage.isAway = true
    await stage.remove(V0 - 5)
    await stage.write(stored as number)
    stage.isAway = false
    await stage.timer.advance(200)
    expect(await stage.stored()).toBe(left)
  }
})

test('a deletion that waits is given up when the pair has a newer value', async () => {
  stage.isAway = true
  await stage.remove(V0 - 5)
  stage.l1.update(0, V0 + 9, new Float64Array(NUMBER_COUNT).fill(1), 0)
  stage.isAway = false
  await stage.timer.advance(200)
  expect([stage.sent.length, stage.deletions.pending]).toEqual([1, 0])
})

test('after Redis was emptied, deletions keep out what other nodes push back, with the version that L2 gave them', async () => {
  await stage.write(V0 + 7)
  await stage.remove(V0 - 5)
  stage.l2 = stage.memory()
  await stage.write(V0 + 7)
  expect(await stage.stored()).toBe(V0 + 7)
  stage.deletions.pushBack()
  await stage.timer.advance(0)
  expect(await stage.stored()).toBeUndefined()
  await stage.write(V0 + 8)
  expect(await stage.stored()).toBe(V0 + 8)
})

test('a deletion that L2 told of is pushed back, too, unless the pair has had something newer', async () => {
  for (const [seen, sent] of [
    [V0 + 8, [[{ pairId: 0, version: V0 + 7, upTo: V0 + 7 }]]],
    [V0 + 9, []],
  ] as const) {
    stage = new Stage()
    stage.l1.remove(0, seen)
    stage.deletions.heard({ pairId: 0, version: V0 + 7 })
    stage.deletions.heard({ pairId: 0, version: V0 + 7 })
    stage.deletions.pushBack()
    await stage.timer.advance(0)
    expect(stage.sent).toEqual(sent)
  }
})

test('a deletion is not pushed back when its time in L2 is over', async () => {
  await stage.remove(V0 - 5)
  stage.clock.advanceTo(T0 + TTL_MS)
  stage.deletions.pushBack()
  await stage.timer.advance(0)
  expect([stage.sent.length, stage.deletions.pending]).toEqual([1, 0])
})

test('deletions close with one more attempt, and tell how many L2 lacks', async () => {
  stage.isAway = true
  await stage.remove(V0)
  await Promise.all([stage.deletions.close(), stage.deletions.close()])
  expect([stage.sent.length, stage.lost, stage.timer.pending]).toEqual([2, [[1, 'away']], 0])
  stage = new Stage()
  await stage.remove(V0)
  await stage.deletions.close()
  expect([stage.sent.length, stage.lost]).toEqual([1, []])
})
