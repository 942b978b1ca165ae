import { isObject } from '../../../schemas/json-value.ts'
import type { Condition, Test } from './mapping.ts'
import type { MappingReader } from './mapping-reader.ts'

const TESTS = ['equals', 'exists', 'absent', 'matches'] as const

/** A condition, or a list of them of which one must hold. */
export function conditionsOf(raw: unknown, at: string, reader: MappingReader): readonly Condition[] {
  if (raw === undefined) return []
  const list = Array.isArray(raw) ? raw : [raw]
  return list
    .map((each, i) => conditionOf(each, Array.isArray(raw) ? `${at}.${i}` : at, reader))
    .filter((condition) => condition !== undefined)
}

function conditionOf(raw: unknown, at: string, reader: MappingReader): Condition | undefined {
  if (!isObject(raw)) return reader.problem(at, raw, 'an object with path or text')
  if (raw.text !== undefined) {
    reader.unknownKeys(raw, at, ['text'])
    return typeof raw.text === 'string' ? { text: raw.text } : reader.problem(`${at}.text`, raw.text, 'a text')
  }
  reader.unknownKeys(raw, at, ['path', 'outer', ...TESTS])
  const isOuter = raw.outer !== undefined
  if (isOuter && raw.path !== undefined) return reader.problem(at, raw, 'path or outer, not both')
  const path = isOuter ? reader.path(raw.outer, `${at}.outer`) : reader.path(raw.path ?? '', `${at}.path`)
  const test = testOf(raw, at, reader)
  return path === undefined || test === undefined ? undefined : { path, isOuter, test }
}

function testOf(raw: Readonly<Record<string, unknown>>, at: string, reader: MappingReader): Test | undefined {
  const given = TESTS.filter((test) => raw[test] !== undefined)
  const [test] = given
  if (test === undefined || given.length > 1) return reader.problem(at, raw, `one of ${TESTS.join(', ')}`)
  const value = raw[test]
  if (test === 'exists' || test === 'absent')
    return value === true ? { kind: test } : reader.problem(`${at}.${test}`, value, 'true')
  if (test === 'matches') return patternOf(value, `${at}.matches`, reader)
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return { kind: 'equals', value }
  return reader.problem(`${at}.equals`, value, 'a text, a number, true, false or null')
}

function patternOf(value: unknown, at: string, reader: MappingReader): Test | undefined {
  if (typeof value !== 'string') return reader.problem(at, value, 'a regular expression')
  try {
    return { kind: 'matches', pattern: new RegExp(value, 'u') }
  } catch (error) {
    return reader.problem(at, value, `a regular expression: ${error instanceof Error ? error.message : error}`)
  }
}
