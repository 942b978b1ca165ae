import { describe, expect, test } from '@jest/globals'
import { until } from '../../harness/until.ts'
import { BESIDE, laidOut } from './beside.ts'
import { BUILDS, THIS_TREE } from './builds.ts'
import { onFleet } from './mixed-fleet.ts'

/** Builds without the topic are all alike in this. */
describe.each(BUILDS.slice(0, 1))(BESIDE, (build) => {
  const treeOf = laidOut(build)

  test('keeps what a node of this build has learned while one of the other has its partitions', async () => {
    await onFleet(async (fleet) => {
      const first = await fleet.start(THIS_TREE)
      await fleet.market.open()
      await fleet.isSharedBy(first)
      await until('it is written', async () => (await first.counted('correlations_written_total')) > 0)
      await first.close()
      const other = await fleet.start(treeOf())
      await fleet.isSharedBy(other)
      const second = await fleet.start(THIS_TREE)
      await fleet.isSharedBy(other, second)
      await until('it is restored', async () => (await second.counted('correlations_restored_total')) > 0)
      await fleet.market.close()
      await until('every update is handled', () => fleet.missing().length === 0)
      expect(await second.counted('correlations_refused_total')).toBe(0)
    })
  })
})
