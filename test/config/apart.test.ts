import { expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

function told(env: Readonly<Record<string, string>>): string {
  const outcome = loadConfig({ env, readFile: () => undefined })
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

test.each(['?keyPrefix=a:', '/0?keyPrefix=a', '?enableOfflineQueue=true', '?family=4&keyPrefix=a', '#keyPrefix'])(
  'a REDIS_URL that ends in %s is refused, as the client would take options from it',
  (end) => {
    expect(told({ REDIS_URL: `redis://one:6379${end}` })).toContain('without options')
  },
)

test('a REDIS_URL may say which family of addresses its host has', () => {
  expect(told({ REDIS_URL: 'redis://one:6379/2?family=6' })).toBe('loaded')
})

test.each(['prices.correlate', 'a.detect', 'a.schedules'])(
  'a service may not be called %s, as that is the group of a role',
  (name) => {
    expect(told({ FOREWARM_SERVICE: name })).toContain('not ending in .correlate, .detect or .schedules')
    expect(told({ FOREWARM_SERVICE: `${name}or` })).toBe('loaded')
  },
)
