import { expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

function told(env: Readonly<Record<string, string>>): string {
  const outcome = loadConfig({ env, readFile: () => undefined })
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

test('PATTERN_STORE is the path of a file, and the word redis alone is refused', () => {
  expect(told({ PATTERN_STORE: '/var/lib/forewarm/patterns.json' })).toBe('loaded')
  expect(told({ PATTERN_STORE: './redis' })).toBe('loaded')
  expect(told({ PATTERN_STORE: 'redis' })).toContain('got "redis"')
})

test.each(['23', '1681', 'x', '-1', '36.5'])('a history of %s hours is refused', (hours) => {
  expect(told({ PATTERN_HISTORY_HOURS: hours })).toContain('PATTERN_HISTORY_HOURS')
})
