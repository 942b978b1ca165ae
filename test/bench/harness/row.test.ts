import { describe, expect, test } from '@jest/globals'
import type { Ratio, Value } from '../../../bench/harness/bench.ts'
import { boundsOfNothing, isMissed, rowOf } from '../../../bench/harness/row.ts'
import { tableOf } from '../../../bench/harness/table.ts'

const RATIO: Ratio = {
  kind: 'ratio',
  case: 'fast',
  unit: 'updates/s',
  ours: 123_456.7,
  anchor: 'other',
  anchorValue: 100_000,
  ratio: 1.234567,
  ratioMin: 1.1,
  ratioMax: 1.3,
  runs: 5,
}
const VALUE: Value = { kind: 'value', case: 'close', unit: 'ms', value: 120 }

describe('a row', () => {
  test('of a ratio has the keys that the contract names', () => {
    expect(JSON.stringify(rowOf('bench', RATIO, { floor: 1.2 }))).toBe(
      '{"bench":"bench","case":"fast","unit":"updates/s","ours":123460,"anchor":"other","anchorValue":100000,' +
        '"ratio":1.2346,"ratioMin":1.1,"ratioMax":1.3,"runs":5,"floor":1.2}',
    )
  })

  test('of a value has the keys that the contract names', () => {
    expect(JSON.stringify(rowOf('bench', VALUE, { limit: 350 }))).toBe(
      '{"bench":"bench","case":"close","unit":"ms","value":120,"limit":350,"within":true}',
    )
  })

  test('is missed below its floor and above its limit, and not at them', () => {
    expect(isMissed(rowOf('bench', RATIO, { floor: 1.24 }))).toBe(true)
    expect(isMissed(rowOf('bench', { ...RATIO, ratio: 1.2 }, { floor: 1.2 }))).toBe(false)
    expect(isMissed(rowOf('bench', VALUE, { limit: 119 }))).toBe(true)
    expect(isMissed(rowOf('bench', VALUE, { limit: 120 }))).toBe(false)
  })

  test('is missed where the ratio is not a number', () => {
    expect(isMissed(rowOf('bench', { ...RATIO, ratio: Number.NaN }, { floor: 1 }))).toBe(true)
    expect(isMissed(rowOf('bench', { ...VALUE, value: Number.NaN }, { limit: 1 }))).toBe(true)
  })

  test('that nothing holds is never missed', () => {
    expect(isMissed(rowOf('bench', { ...RATIO, ratio: 0 }, undefined))).toBe(false)
    expect(rowOf('bench', VALUE, undefined)).toMatchObject({ limit: null, within: null })
  })

  test('takes no limit for a ratio and no floor for a value', () => {
    expect(() => rowOf('bench', RATIO, { limit: 1 })).toThrow('bench, fast is a ratio, it needs a floor')
    expect(() => rowOf('bench', VALUE, { floor: 1 })).toThrow('bench, close has no anchor, it needs a limit')
  })
})

describe('bounds', () => {
  test('of a case that was not measured are named', () => {
    const rows = [rowOf('bench', VALUE, { limit: 350 })]
    expect(boundsOfNothing({ close: { limit: 350 }, closed: { limit: 1 } }, rows)).toEqual(['closed'])
  })
})

describe('a table', () => {
  test('says which floors and limits are missed', () => {
    const rows = [rowOf('bench', RATIO, { floor: 2 }), rowOf('bench', VALUE, { limit: 350 })]
    expect(tableOf('bench', rows, { isHeld: true }).split('\n')).toEqual([
      'bench',
      '  case   unit          ours  anchor  anchor’s  ratio (min–max)     floor',
      '  fast   updates/s  123,460  other    100,000   1.23 (1.1–1.3)  2 missed',
      '  close  ms             120                                        ≤ 350',
      '',
    ])
  })

  test('of figures that are not held does not', () => {
    expect(tableOf('bench', [rowOf('bench', RATIO, { floor: 2 })], { isHeld: false })).not.toContain('missed')
  })
})
