import { expect, test } from '@jest/globals'
import { L1 } from '../../src/cache/l1.ts'
import { PushBack } from '../../src/cache/push-back.ts'
import { FLUSH_MS, PAIRS, WriteBehindStage } from './write-behind-stage.ts'

interface StageOptions {
  readonly pairs?: number
  readonly capacity?: number
}

/** L1 with a value of version 1 for each pair, over a write-behind whose second level answers at once. */
function stageOf({ pairs = PAIRS, capacity = PAIRS }: StageOptions = {}) {
  const stage = new WriteBehindStage(capacity)
  const l1 = new L1({ slots: PAIRS, maxPairs: PAIRS })
  const numbers = new Float64Array(6).fill(1)
  for (let pairId = 0; pairId < pairs; pairId++) l1.update(pairId, 1, numbers, 0)
  const table = { size: pairs }
  const pushBack = new PushBack({ table, l1, writeBehind: stage.writeBehind, timer: stage.timer.start })
  return { ...stage, stage, l1, table, pushBack, numbers }
}

const ids = (rows: readonly { readonly pairId: number }[] | undefined) => rows?.map(({ pairId }) => pairId)

test('everything that L1 holds is written again, once', async () => {
  const { stage, pushBack } = stageOf({ capacity: 2 * PAIRS })
  pushBack.start()
  await stage.timer.advance(10 * FLUSH_MS)
  expect(ids(stage.l2.writes[0]?.rows)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  await stage.l2.writes[0]?.succeed()
  await stage.timer.advance(1_000)
  expect(stage.l2.writes).toHaveLength(1)
  expect(pushBack.pushed).toBe(PAIRS)
  expect(stage.timer.pending).toBe(0)
})

test('what L1 no longer holds, and what is on its way anyhow, is left alone', async () => {
  const { stage, l1, pushBack, numbers } = stageOf({ capacity: 2 * PAIRS })
  l1.remove(3)
  stage.writeBehind.add(5, 9, numbers, 0)
  pushBack.start()
  await stage.timer.advance(10 * FLUSH_MS)
  const rows = stage.l2.writes.flatMap((write) => write.rows)
  expect(ids(rows)).not.toContain(3)
  expect(rows.filter((row) => row.pairId === 5)).toMatchObject([{ version: 9 }])
})

test('half of the write-behind is kept for updates, and the rest follows when there is room', async () => {
  const { stage, pushBack } = stageOf({ capacity: 4 })
  pushBack.start()
  await stage.timer.advance(FLUSH_MS)
  expect(stage.writeBehind.pendingEntries).toBe(2)
  for (let write = 0; write < 4; write++) {
    await stage.timer.advance(1_000)
    await stage.l2.writes[write]?.succeed()
  }
  expect([...stage.l2.stored.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect(stage.writeBehind.skipped).toBe(0)
})

test('started again in the middle, it looks at every pair once more, also at new ones', async () => {
  const { stage, l1, table, pushBack, numbers } = stageOf({ pairs: 3, capacity: 2 })
  pushBack.start()
  await stage.timer.advance(FLUSH_MS)
  expect(pushBack.pushed).toBe(1)
  l1.update(3, 1, numbers, 0)
  table.size = 4
  pushBack.start()
  for (let write = 0; write < 8; write++) {
    await stage.timer.advance(1_000)
    await stage.l2.writes[write]?.succeed()
  }
  expect([...stage.l2.stored.keys()].sort()).toEqual([0, 1, 2, 3])
  expect(pushBack.pushed).toBe(5)
})

test('closed, it hands on nothing more; without pairs it waits for nothing', async () => {
  const { stage, pushBack } = stageOf()
  pushBack.start()
  pushBack.close()
  pushBack.close()
  pushBack.start()
  await stage.timer.advance(1_000)
  expect(pushBack.pushed).toBe(0)
  const empty = stageOf({ pairs: 0 })
  empty.pushBack.start()
  expect(empty.stage.timer.pending).toBe(0)
})
