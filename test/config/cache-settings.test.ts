import { describe, expect, test } from '@jest/globals'
import { describeConfig, loadConfig, secretsOf } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

function problems(env: Readonly<Record<string, string>>): string {
  const outcome = loadConfig({ env, readFile: () => undefined })
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

describe('CLICKHOUSE_URL', () => {
  test.each([
    'http://127.0.0.1:8123',
    'https://reader:se%40cret@clickhouse.example:8443/prices',
    'chdb:',
    'chdb:/var/lib/forewarm',
  ])('may be %s', (url) => {
    expect(problems({ CLICKHOUSE_URL: url })).toBe('loaded')
  })

  test.each([
    ['another protocol', 'tcp://127.0.0.1:9000'],
    ['a directory that is not absolute', 'chdb:data'],
    ['parameters, which the client would refuse at the start', 'http://127.0.0.1:8123/?user=reader&password=quiet'],
    ['a fragment', 'http://127.0.0.1:8123/#prices'],
    ['a path of two names, as there is one database', 'http://127.0.0.1:8123/one/two'],
    ['a password with a malformed percent-encoding', 'http://reader:quiet%zz@127.0.0.1:8123'],
  ])('is refused with %s', (_, url) => {
    const told = problems({ CLICKHOUSE_URL: url })
    expect(told).toContain('CLICKHOUSE_URL')
    expect(told).not.toContain('quiet')
  })

  test('is needed if CLICKHOUSE_WRITE is on', () => {
    expect(problems({ CLICKHOUSE_WRITE: 'true' })).toContain('CLICKHOUSE_URL')
    expect(problems({ CLICKHOUSE_WRITE: 'true', CLICKHOUSE_URL: 'http://127.0.0.1:8123' })).toBe('loaded')
  })

  test('is shown without its password, which the log masks', () => {
    const outcome = loadConfig({ env: { CLICKHOUSE_URL: 'http://reader:quiet@one:1' }, readFile: () => undefined })
    if (outcome.status === 'refused') throw new Error(describeProblems(outcome.problems))
    const shown = describeConfig(outcome).find(({ name }) => name === 'CLICKHOUSE_URL')
    expect(shown?.value).toBe('http://reader:********@one:1')
    expect(secretsOf(outcome.config)).toContain('quiet')
  })
})
