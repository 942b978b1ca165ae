import { describe, expect, test } from '@jest/globals'
import { changedRollout, type RolloutValue, wholeRollout } from '../../src/rollout/rollout-value.ts'

const CANARY: RolloutValue = { mode: 'canary', chains: 'all', percent: 10, controlShare: 0.02, killed: false }

describe('a change of the rollout', () => {
  test('leaves what it does not name, and full ends the percentage of a canary', () => {
    expect(changedRollout(CANARY, { percent: 25 })).toEqual({ value: { ...CANARY, percent: 25 } })
    expect(changedRollout(CANARY, { mode: 'full' })).toEqual({ value: { ...CANARY, mode: 'full', percent: 100 } })
  })

  test.each<[Record<string, unknown>, string]>([
    [{ mode: 'ful' }, 'mode: expected one of off, shadow, canary, full, got "ful"'],
    [{ percent: 101 }, 'percent: expected a number from 0 to 100, got 101'],
    [{ percent: Number.NaN }, 'percent: expected a number from 0 to 100, got NaN'],
    [{ chains: [] }, 'chains: expected "all" or a list of 1 to 1000 chains, got a list'],
    [{ chains: 'ethereum' }, 'chains: expected "all" or a list of 1 to 1000 chains, got "ethereum"'],
    [{ controlShare: 0.6 }, 'controlShare: expected a number from 0 to 0.5, got 0.6'],
    [{ killed: 'yes' }, 'killed: expected true or false, got "yes"'],
    [{ percnt: 5 }, 'there is no percnt; did you mean percent?'],
    [
      { mode: 'full', percent: 50 },
      'full warms after the updates of all pairs: for 50 percent of them set the mode canary',
    ],
  ])('%j is refused in one sentence', (change, detail) => {
    expect(changedRollout(CANARY, change)).toMatchObject({ problems: [{ detail }] })
  })

  test('names every field that is wrong', () => {
    const changed = changedRollout(CANARY, { mode: 'x', percent: -1 })
    expect('problems' in changed && changed.problems.map(({ field }) => field)).toEqual(['mode', 'percent'])
  })
})

test('a control record needs every field, and may have others that a later version knows', () => {
  expect(wholeRollout({ ...CANARY, later: 1 })).toEqual(CANARY)
  const { percent: _, ...rest } = CANARY
  expect(wholeRollout(rest)).toBe('percent is missing')
  expect(wholeRollout({ ...CANARY, mode: 'loud' })).toBe('mode: expected one of off, shadow, canary, full, got "loud"')
})
