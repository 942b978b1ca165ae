import { afterAll, beforeAll } from '@jest/globals'
import { type Build, layOut, THIS_TREE } from './builds.ts'
import type { Member } from './member.ts'
import { type MixedFleet, openFleet } from './mixed-fleet.ts'

export const BESIDE = 'a service with nodes of this build and of $name'

/** Lays the build out for the tests of a `describe`. The function gives its tree. */
export function laidOut(build: Build): () => string {
  let made: ReturnType<typeof layOut>
  beforeAll(() => {
    made = layOut(build)
  })
  afterAll(() => made?.remove())
  return () => made.tree
}

export interface Mixed {
  readonly fleet: MixedFleet
  readonly old: Member
  readonly young: Member
}

/** A fleet for all tests of a `describe`: two nodes, the older build's first, and a market at rest. */
export function mixedWith(build: Build): () => Mixed {
  const treeOf = laidOut(build)
  let fleet: MixedFleet
  let mixed: Mixed
  beforeAll(async () => {
    fleet = await openFleet()
    const [old, young] = await fleet.startTwo(treeOf(), THIS_TREE)
    mixed = { fleet, old, young }
  })
  afterAll(() => fleet?.close())
  return () => mixed
}
