import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { FloorlessL1, run, scripts, smallL1 } from './promotion-schedules.ts'

describe('promotions among updates, flushes, evictions and late answers', () => {
  it('never show an older version than a read before, and leave the newest in both levels', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, (script) => run(smallL1(), script)),
      { numRuns: 400 },
    )
  })

  it('would show an older version without floors, and the schedules find it', async () => {
    const details = await fc.check(
      fc.asyncProperty(scripts, (script) => run(new FloorlessL1(), script)),
      { numRuns: 1_000, endOnFailure: true, seed: 5 },
    )
    expect(details.failed).toBe(true)
  })
})
