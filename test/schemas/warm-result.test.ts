import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  encodeWarmResult,
  parseWarmResult,
  WARM_OUTCOMES,
  WARM_STATUSES,
  type WarmResult,
} from '../../schemas/warm-result.ts'

const RESULT: WarmResult = {
  v: 1,
  requestId: 'r-1',
  node: 'node-1',
  status: 'partial',
  warmed: 1,
  alreadyInL1: 2,
  notFound: 3,
  refusedOlder: 4,
  notInterested: 5,
  durationMs: 1.25,
  atMs: 1_700_000_000_000,
}

const parse = (value: unknown) => parseWarmResult(Buffer.from(JSON.stringify(value)))
const refusal = (value: unknown) => {
  const parsed = parse(value)
  return parsed.ok ? 'taken' : parsed.reason
}

describe('a warm result', () => {
  it('is read back from its bytes, with and without outcomes', () => {
    const full: WarmResult = { ...RESULT, outcomes: { 'WETH/USDC': 'warmed', 'WBTC/USDC': 'notFound' } }
    expect(parseWarmResult(encodeWarmResult(RESULT))).toEqual({ ok: true, value: RESULT })
    expect(parseWarmResult(encodeWarmResult(full))).toEqual({ ok: true, value: full })
  })

  it('may have any status and outcome', () => {
    for (const status of WARM_STATUSES) expect(refusal({ ...RESULT, status })).toBe('taken')
    for (const outcome of WARM_OUTCOMES) expect(refusal({ ...RESULT, outcomes: { a: outcome } })).toBe('taken')
  })

  it('may name a pair called __proto__ like any other', () => {
    const parsed = parseWarmResult(
      Buffer.from(JSON.stringify(RESULT).replace(/}$/, ',"outcomes":{"__proto__":"warmed"}}')),
    )
    expect(parsed.ok && Object.entries(parsed.value.outcomes ?? {})).toEqual([['__proto__', 'warmed']])
  })

  it.each([
    ['another version', { ...RESULT, v: 2 }, 'unknown-version'],
    ['no node', { ...RESULT, node: undefined }, 'missing-field'],
    ['an unknown status', { ...RESULT, status: 'fine' }, 'bad-value'],
    ['a negative count', { ...RESULT, warmed: -1 }, 'bad-value'],
    ['half a pair', { ...RESULT, notFound: 0.5 }, 'bad-value'],
    ['a count in a string', { ...RESULT, refusedOlder: '4' }, 'wrong-type'],
    ['an unknown outcome', { ...RESULT, outcomes: { a: 'lost' } }, 'bad-value'],
    ['outcomes in a list', { ...RESULT, outcomes: ['warmed'] }, 'wrong-type'],
    [
      'more outcomes than pairs in a request',
      { ...RESULT, outcomes: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`p${i}`, 'warmed'])) },
      'too-many-pairs',
    ],
  ])('is refused for %s', (_, value, reason) => {
    expect(refusal(value)).toBe(reason)
  })

  it('never makes the reading throw, whatever its bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseWarmResult(Buffer.from(bytes))))
    fc.assert(fc.property(fc.json(), (text) => void parseWarmResult(Buffer.from(text))))
  })
})
