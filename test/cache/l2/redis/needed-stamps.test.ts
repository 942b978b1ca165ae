import { describe, expect, it } from '@jest/globals'
import { NeededStamps } from '../../../../src/cache/l2/redis/needed-stamps.ts'
import { Sources } from '../../../../src/cache/sources/sources.ts'

const [BUSY, QUIET] = [0, 1]

function stage() {
  const sources = new Sources()
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

  it('are held back by a chain whose stamp is lost or stands still while others go on', () => {
    const { needed, stamps } = stage()
    expect([...needed.lagging(stamps(9_000, 8_000))]).toEqual([])
    expect([...needed.lagging(stamps(9_000, 5_000))]).toEqual([QUIET])
    expect([...needed.lagging(stamps(9_000))]).toEqual([QUIET])
    expect([...needed.lagging(stamps())]).toEqual([])
  })

  it('are no longer held back by a chain that is forgotten', () => {
    const { needed, stamps } = stage()
    needed.forget(QUIET)
    expect(needed.chains).toEqual([BUSY])
    expect(needed.merged(stamps(9_000))).toEqual(new Map([['t/0', 9_000]]))
  })
})
