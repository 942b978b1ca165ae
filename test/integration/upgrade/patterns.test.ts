import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { BESIDE, laidOut } from './beside.ts'
import { BUILDS, THIS_TREE } from './builds.ts'
import { onFleet } from './mixed-fleet.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forewarm-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe.each(BUILDS)(BESIDE, (build) => {
  const treeOf = laidOut(build)

  test('restores from a file the patterns that a node of the other has saved, forth and back', async () => {
    await onFleet(async (fleet) => {
      const config = { prediction: { store: join(folder, 'patterns.json') } }
      await fleet.market.open()
      let saved = { totalAccesses: 0, uniquePairs: 0 }
      for (const tree of [treeOf(), THIS_TREE, treeOf()]) {
        const member = await fleet.start(tree, config)
        const { totalAccesses, uniquePairs } = await member.call('patterns')
        expect(totalAccesses).toBeGreaterThanOrEqual(saved.totalAccesses)
        expect(uniquePairs).toBeGreaterThanOrEqual(saved.uniquePairs)
        await fleet.isSharedBy(member)
        await fleet.readOnce(member)
        saved = await member.call('patterns')
        expect(saved.uniquePairs).toBeGreaterThanOrEqual(fleet.market.pairs.length)
        await member.close()
      }
    })
  })
})
