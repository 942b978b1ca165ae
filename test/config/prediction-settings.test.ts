import { expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

function told(env: Readonly<Record<string, string>>): string {
  const outcome = loadConfig({ env, readFile: () => undefined })
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

test('PATTERN_STORE is the path of a file or the word redis', () => {
  for (const store of ['/var/lib/forewarm/patterns.json', './redis', 'redis'])
    expect(told({ PATTERN_STORE: store })).toBe('loaded')
  expect(told({ PATTERN_STORE: 'a\0b' })).toContain('allowed: redis, or the path of a file')
})

test.each(['23', '1681', 'x', '-1', '36.5'])('a history of %s hours is refused', (hours) => {
  expect(told({ PATTERN_HISTORY_HOURS: hours })).toContain('PATTERN_HISTORY_HOURS')
})
