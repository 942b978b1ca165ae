import { expect, test } from '@jest/globals'
import type { ControlRecord } from '../../schemas/control/control-record.ts'
import { changeRollout, killRollout, type RolloutControl } from '../../src/rollout/rollout-change.ts'
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

test('a change of a version where nothing is set is lost, too', async () => {
  const control: RolloutControl = { current: () => undefined, set: () => Promise.reject(new Error('not asked')) }
  const outcome = await changeRollout(control, { configured: FULL, of: { mode: 'off' } }, { by: 'ben', base: 2 })
  expect(outcome).toMatchObject({ status: 'lost', winner: { version: 0, mode: 'full' } })
})

test.each([
  ['nothing', {}, 'there is nothing to change'],
  [
    'a canary of all pairs',
    { mode: 'canary' },
    'a canary needs a percentage, or chains: without them all pairs would warm',
  ],
])('a change to %s is refused in one sentence', async (_, of, detail) => {
  const { control, bases } = overtaken(recordOf(3, FULL), recordOf(3, FULL))
  const outcome = await changeRollout(control, { configured: FULL, of }, { by: 'ben' })
  expect(outcome).toMatchObject({ status: 'refused', problems: [{ detail }] })
  expect(bases).toEqual([])
})

test.each([
  ['a percentage', FULL, { mode: 'canary', percent: 5 }],
  ['the percentage of a canary before', { ...FULL, mode: 'canary', percent: 5 } as const, { mode: 'canary' }],
  ['chains', FULL, { mode: 'canary', chains: ['a'] }],
])('a canary by %s is set', async (_, before, of) => {
  const { control } = overtaken(recordOf(3, before), recordOf(3, before))
  expect(await changeRollout(control, { configured: FULL, of }, { by: 'ben' })).toMatchObject({ status: 'set' })
})

test('a kill keeps beneath it what another operator has set at the same time, so that lifting it does not undo that', async () => {
  let current: ControlRecord = recordOf(3, FULL)
  const killed: unknown[] = []
  const control: RolloutControl = {
    current: () => current,
    set: async (_, { value }) => {
      killed.push(value.chains)
      // First another operator is faster, then the kill itself is written again meanwhile.
      const { version, by, value: before } = killed.length === 1 ? recordOf(4, { ...FULL, chains: ['a'] }) : current
      const overtaken = { version: version + 1, by, atMs: killed.length === 1 ? 2 : current.atMs, value: before }
      current = { ...recordOf(version + 2, FULL), atMs: 2 + killed.length, value, past: [overtaken] }
      return { status: 'won', record: current }
    },
  }
  const outcome = await killRollout(control, FULL, { by: 'ben' })
  expect(outcome).toMatchObject({ status: 'set', rollout: { killed: true, chains: ['a'] } })
  expect(killed).toEqual(['all', ['a']])
})

test('a kill that overtakes nobody is set once', async () => {
  let sets = 0
  const before = recordOf(3, { ...FULL, chains: ['a'] })
  const control: RolloutControl = {
    current: () => before,
    set: async (_, { value }) => {
      sets++
      const { version, by, atMs } = before
      return {
        status: 'won',
        record: { ...recordOf(4, FULL), value, past: [{ version, by, atMs, value: before.value }] },
      }
    },
  }
  const outcome = await killRollout(control, FULL, { by: 'ben' })
  expect([outcome, sets]).toMatchObject([{ status: 'set', rollout: { killed: true, chains: ['a'] } }, 1])
})
