import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  encodeWarmRequest,
  ORIGINS,
  PRIORITIES,
  parseWarmRequest,
  type WarmRequest,
} from '../../schemas/warm-request.ts'

const MINIMAL: WarmRequest = {
  v: 1,
  requestId: 'r-1',
  chain: 'ethereum',
  pairs: ['WETH/USDC'],
  origin: 'manual',
  priority: 'high',
  issuedAtMs: 1_700_000_000_000,
}

const FULL: WarmRequest = {
  ...MINIMAL,
  service: 'staging',
  pairs: ['WETH/USDC', 'WBTC/USDC'],
  origin: 'correlation',
  strategy: 'forewarm',
  triggerPair: 'USDT/USDC',
  reason: 'read 4 times after it',
  scores: [0.9, 0],
  notBeforeMs: 1_700_000_000_020,
  expiresAtMs: 1_700_000_001_000,
  dryRun: true,
}

const without = (field: keyof WarmRequest) => ({ ...MINIMAL, [field]: undefined })
const parse = (value: unknown) => parseWarmRequest(Buffer.from(JSON.stringify(value)))
const refusal = (value: unknown) => {
  const parsed = parse(value)
  return parsed.ok ? 'taken' : parsed.reason
}

describe('a warm request', () => {
  it.each([
    ['the smallest', MINIMAL],
    ['the fullest', FULL],
  ])('is read back from its bytes: %s', (_, request) => {
    expect(parseWarmRequest(encodeWarmRequest(request))).toEqual({ ok: true, value: request })
  })

  it('may have any origin and priority', () => {
    for (const origin of ORIGINS) expect(refusal({ ...MINIMAL, origin })).toBe('taken')
    for (const priority of PRIORITIES) expect(refusal({ ...MINIMAL, priority })).toBe('taken')
  })

  it('may have unknown fields, which are skipped, and null for an absent field', () => {
    expect(parse({ ...MINIMAL, colour: 'red', strategy: null, dryRun: null })).toEqual({ ok: true, value: MINIMAL })
  })

  it.each(['requestId', 'chain', 'pairs', 'origin', 'priority', 'issuedAtMs'] as const)(
    'without %s is refused',
    (field) => {
      expect(parse(without(field))).toMatchObject({ ok: false, reason: 'missing-field', detail: `${field} is missing` })
    },
  )

  it.each([
    ['another version', { ...MINIMAL, v: 2 }, 'unknown-version'],
    ['no version', { ...MINIMAL, v: undefined }, 'unknown-version'],
    ['a list', [MINIMAL], 'wrong-type'],
    ['a number', 5, 'wrong-type'],
    ['no pairs', { ...MINIMAL, pairs: [] }, 'bad-value'],
    ['pairs that are no list', { ...MINIMAL, pairs: 'WETH/USDC' }, 'wrong-type'],
    ['a pair that is no name', { ...MINIMAL, pairs: [1] }, 'wrong-type'],
    ['an empty pair', { ...MINIMAL, pairs: [''] }, 'bad-value'],
    ['a pair with NUL', { ...MINIMAL, pairs: ['a\0b'] }, 'bad-value'],
    ['half of a surrogate pair', { ...MINIMAL, pairs: ['a\ud800'] }, 'bad-value'],
    ['a pair of 257 bytes', { ...MINIMAL, pairs: [`${'é'.repeat(128)}x`] }, 'bad-value'],
    ['a chain of 65 bytes', { ...MINIMAL, chain: 'c'.repeat(65) }, 'bad-value'],
    ['a request id of 129 bytes', { ...MINIMAL, requestId: 'r'.repeat(129) }, 'bad-value'],
    ['1,001 pairs', { ...MINIMAL, pairs: Array.from({ length: 1_001 }, (_, i) => `p${i}`) }, 'too-many-pairs'],
    ['an unknown origin', { ...MINIMAL, origin: 'guess' }, 'bad-value'],
    ['an unknown priority', { ...MINIMAL, priority: 'urgent' }, 'bad-value'],
    ['a score above 1', { ...MINIMAL, scores: [1.1] }, 'bad-value'],
    ['a score below 0', { ...MINIMAL, scores: [-0.1] }, 'bad-value'],
    ['fewer scores than pairs', { ...FULL, scores: [0.5] }, 'bad-value'],
    ['a time before 1970', { ...MINIMAL, issuedAtMs: -1 }, 'bad-value'],
    ['a time that no Date holds', { ...MINIMAL, notBeforeMs: 1e300 }, 'bad-value'],
    ['a time in a string', { ...MINIMAL, expiresAtMs: '2026-01-01' }, 'wrong-type'],
    ['a dry run that is no yes or no', { ...MINIMAL, dryRun: 1 }, 'wrong-type'],
  ])('is refused for %s', (_, value, reason) => {
    expect(refusal(value)).toBe(reason)
  })

  it('is refused if it is not JSON, empty or too large', () => {
    const reason = (bytes: Buffer) => {
      const parsed = parseWarmRequest(bytes)
      return parsed.ok ? 'taken' : parsed.reason
    }
    expect(reason(Buffer.from('{"v":1,'))).toBe('not-json')
    expect(reason(Buffer.from('{"v":1,"issuedAtMs":NaN}'))).toBe('not-json')
    expect(reason(Buffer.alloc(0))).toBe('empty')
    expect(reason(Buffer.alloc(1024 * 1024 + 1, ' '))).toBe('too-large')
  })

  it('that is refused names the field, what was expected and what came', () => {
    expect(parse({ ...MINIMAL, pairs: ['a', 5] })).toMatchObject({ detail: 'pairs[1]: expected a string, got 5' })
  })

  it('with a reason that is too long is taken with the reason cut', () => {
    const parsed = parse({ ...MINIMAL, reason: 'x'.repeat(2_000) })
    expect(parsed.ok && parsed.value.reason).toHaveLength(500)
  })

  it('never makes the reading throw, whatever its bytes and however deep they are nested', () => {
    const depth = 200_000
    const nested = `{"v":1,"requestId":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(parseWarmRequest(Buffer.from(nested)).ok).toBe(false)
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseWarmRequest(Buffer.from(bytes))))
    fc.assert(fc.property(fc.json(), (text) => void parseWarmRequest(Buffer.from(text))))
    const anyFields = fc.record({
      v: fc.constant(1),
      requestId: fc.jsonValue(),
      pairs: fc.jsonValue(),
      scores: fc.jsonValue(),
    })
    fc.assert(fc.property(anyFields, (value) => expect(parse(value).ok).toBe(false)))
  })
})
