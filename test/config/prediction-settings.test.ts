import { expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

function told(env: Readonly<Record<string, string>>): string {
  const outcome = loadConfig({ env, readFile: () => undefined })
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

test('patterns are kept in a file, and a file that is called redis is not what was meant', () => {
  expect(told({ PATTERN_STORE: '/var/lib/forewarm/patterns.json' })).toBe('loaded')
  expect(told({ PATTERN_STORE: './redis' })).toBe('loaded')
  expect(told({ PATTERN_STORE: 'redis' })).toContain('got "redis"')
})

test.each(['23', '1681', 'x', '-1', '36.5'])('a history of %s hours is refused', (hours) => {
  expect(told({ PATTERN_HISTORY_HOURS: hours })).toContain('PATTERN_HISTORY_HOURS')
})
