import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { settled } from '../../harness/manual-timer.ts'
import { FLUSH_MS, PAIRS, WriteBehindStage } from './write-behind-stage.ts'

type Step =
  | { readonly type: 'add' | 'forget'; readonly pairId: number }
  | { readonly type: 'pass' | 'succeed' | 'fail' | 'drain' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ type: fc.constant('add' as const), pairId: fc.nat(PAIRS - 1) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('forget' as const), pairId: fc.nat(PAIRS - 1) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom('pass' as const, 'succeed', 'fail', 'drain') }) },
)

test('L2 ends with the newest version of each pair that the write-behind did not count as skipped, in any schedule', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 80, size: 'max' }),
      fc.integer({ min: 1, max: PAIRS }),
      async (steps, capacity) => {
        const stage = new WriteBehindStage(capacity)
        const newest = new Map<number, number>()
        let version = 0
        let answered = 0
        const take = async ({ type, ...on }: Step) => {
          const write = stage.l2.writes[answered]
          if (type === 'add' && 'pairId' in on) {
            const before = stage.writeBehind.skipped
            stage.add(on.pairId, ++version)
            // After a skipped update, an older value of the pair may still wait.
            if (stage.writeBehind.skipped === before) newest.set(on.pairId, version)
            else expect(stage.pending(on.pairId)).toBeLessThan(version)
          } else if (type === 'forget' && 'pairId' in on) {
            newest.delete(on.pairId)
            stage.writeBehind.forget(on.pairId)
            await stage.l2.delete([{ pairId: on.pairId, version: 0 }])
          } else if (type === 'pass') await stage.timer.advance(FLUSH_MS)
          else if (type === 'drain') void stage.writeBehind.drain()
          else if (write !== undefined) {
            answered++
            await (type === 'succeed' ? write.succeed() : write.fail())
          }
          await settled()
          expect(stage.l2.writes.length - answered).toBeLessThanOrEqual(1)
          expect(stage.writeBehind.pendingEntries).toBeLessThanOrEqual(capacity * 2)
        }
        for (const each of steps) await take(each)
        while (stage.writeBehind.pendingEntries > 0) {
          await take({ type: 'succeed' })
          await stage.timer.advance(FLUSH_MS * 20)
        }
        for (const { rows } of stage.l2.writes) expect(new Set(rows.map(({ pairId }) => pairId)).size).toBe(rows.length)
        if (stage.writeBehind.skipped > 0) return
        const stored = [...stage.l2.stored.values()].filter(({ pairId }) => newest.has(pairId))
        expect(new Map(stored.map((row) => [row.pairId, row.version]))).toEqual(newest)
        for (const row of stored) expect(row.price).toBe(row.version / 2)
      },
    ),
    { numRuns: 100 },
  )
})
