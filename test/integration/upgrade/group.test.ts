import { describe, expect, test } from '@jest/globals'
import { until } from '../../harness/until.ts'
import { BESIDE, laidOut } from './beside.ts'
import { BUILDS, layOut, THIS_TREE } from './builds.ts'
import { onFleet } from './mixed-fleet.ts'

describe.each(BUILDS)(BESIDE, (build) => {
  const treeOf = laidOut(build)

  test('loses no update, and no read contradicts what was sent, while nodes of either join, leave and are killed', async () => {
    await onFleet(async (fleet) => {
      const { market } = fleet
      const start = async (tree: string) => {
        const member = await fleet.start(tree)
        fleet.keepReading(member)
        return member
      }
      const old = await start(treeOf())
      await market.open()
      await fleet.isSharedBy(old)
      const young = await start(THIS_TREE)
      await fleet.isSharedBy(old, young)
      await fleet.haveRead(old, young)
      await old.close()
      await fleet.isSharedBy(young)
      await fleet.haveRead(young)
      const back = await start(treeOf())
      await fleet.isSharedBy(back, young)
      await fleet.haveRead(back, young)
      await young.kill()
      await fleet.isSharedBy(back)
      await fleet.haveRead(back)
      await market.close()
      await until('every update is handled', () => fleet.missing().length === 0)
      expect({ contradictions: market.contradictions, failures: fleet.failures }).toEqual({
        contradictions: [],
        failures: [],
      })
    })
  })
})

test('a clone without the commit of an earlier build fails, and says what to fetch', () => {
  const [build] = BUILDS
  if (build === undefined) throw new Error('there is no build')
  expect(() => layOut({ ...build, commit: '0'.repeat(40) })).toThrow(/lacks commit 0{40}, .*git fetch --unshallow/)
})
