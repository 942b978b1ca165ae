import { expect, test } from '@jest/globals'
import type { ControlRecord } from '../../schemas/control/control-record.ts'
import { changeRollout, type RolloutControl } from '../../src/rollout/rollout-change.ts'
import type { RolloutValue } from '../../src/rollout/rollout-value.ts'

const FULL: RolloutValue = { mode: 'full', chains: 'all', percent: 100, controlShare: 0, killed: false }
const recordOf = (version: number, value: RolloutValue): ControlRecord => ({
  ...{ v: 1, id: `${version}`, version, by: 'ana', atMs: 1, value: { ...value } },
})

/** Another operator's record comes while the change is on its way. */
function overtaken(before: ControlRecord, meanwhile: ControlRecord) {
  const bases: (number | undefined)[] = []
  const control: RolloutControl = {
    current: () => before,
    set: async (_, __, base) => {
      bases.push(base)
      return base === meanwhile.version ? { status: 'won', record: meanwhile } : { status: 'lost', winner: meanwhile }
    },
  }
  return { control, bases }
}

test('a change is of the version that it was made from, so that a kill that comes meanwhile is not undone', async () => {
  const { control, bases } = overtaken(recordOf(3, FULL), recordOf(4, { ...FULL, killed: true }))
  const outcome = await changeRollout(control, { configured: FULL, of: { controlShare: 0.1 } }, { by: 'ben' })
  expect(outcome).toMatchObject({ status: 'lost', winner: { killed: true, version: 4 } })
  expect(bases).toEqual([3])
})

test('a change of a version that is not in force here is lost', async () => {
  const { control, bases } = overtaken(recordOf(3, FULL), recordOf(3, FULL))
  const outcome = await changeRollout(control, { configured: FULL, of: { mode: 'off' } }, { by: 'ben', base: 2 })
  expect(outcome).toMatchObject({ status: 'lost', winner: { version: 3 } })
  expect(bases).toEqual([])
})
