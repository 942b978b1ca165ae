import { describe, expect, it } from '@jest/globals'
import { raiseMoments } from '../../../../src/cache/foreign/moments.ts'
import { NeededStamps } from '../../../../src/cache/l2/redis/needed-stamps.ts'
import { NEVER, Sources } from '../../../../src/cache/sources/sources.ts'

const [BUSY, QUIET] = [0, 1]

function stage(sources = new Sources()) {
  const source = sources.idOf('t', 0)
  const needed = new NeededStamps(sources)
  for (const chain of [BUSY, QUIET]) needed.note(chain, source)
  const stamps = (busyMs?: number, quietMs?: number) =>
    new Map([
      [BUSY, new Map(busyMs === undefined ? [] : [['t/0', busyMs]])],
      [QUIET, new Map(quietMs === undefined ? [] : [['t/0', quietMs]])],
    ])
  return { needed, stamps }
}

describe('the stamps that values need where each chain has its own', () => {
  it('are as early as the earliest, and none where one is lost', () => {
    const { needed, stamps } = stage()
    expect(needed.merged(stamps(9_000, 8_000))).toEqual(new Map([['t/0', 8_000]]))
    expect(needed.merged(stamps(9_000))).toEqual(new Map())
  })

  it.each(['its partition', 'its topic as a whole'])(
    'leave a source in doubt that is new to a chain, until the stamps beside it have come up (%s)',
    (kind) => {
      const sources = new Sources()
      sources.grow('t', 1)
      const partition = sources.idOf('t', 0)
      const source = kind === 'its partition' ? partition : sources.wholeOf('t')
      const { needed, stamps } = stage(sources)
      const fence = (busyMs: number, quietMs?: number) => {
        raiseMoments(sources, needed.merged(stamps(busyMs, quietMs)), 10_000)
        return [sources.isDoubted(source), sources.asOf(source)]
      }
      needed.forget(QUIET)
      needed.note(BUSY, source)
      expect(fence(9_000)).toEqual([false, 9_000])
      needed.note(QUIET, source)
      needed.note(QUIET, source)
      expect([sources.isDoubted(source), sources.asOfStored(source)]).toEqual([true, NEVER])
      expect(fence(9_100, 8_000)).toEqual([true, 9_000])
      expect(sources.asOfStored(source)).toBe(8_000)
      expect(fence(9_200, 9_100)).toEqual([false, 9_100])
      needed.note(QUIET, source)
      expect(sources.isDoubted(source)).toBe(false)
    },
  )

  it('are no longer held back by a chain that is forgotten', () => {
    const { needed, stamps } = stage()
    needed.forget(QUIET)
    expect(needed.chains).toEqual([BUSY])
    expect(needed.merged(stamps(9_000))).toEqual(new Map([['t/0', 9_000]]))
  })
})
