import { describe, expect, test } from '@jest/globals'
import { describeConfig, loadConfig, secretsOf } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

const URL_ = { SCHEMA_REGISTRY_URL: 'https://registry.example:8081/apis/ccompat/v7' }

function load(env: Readonly<Record<string, string>>, file?: object) {
  return loadConfig({ env, readFile: (path) => (file && path.endsWith('.json') ? JSON.stringify(file) : undefined) })
}

function problems(env: Readonly<Record<string, string>>, file?: object): string {
  const outcome = load(env, file)
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

describe('SCHEMA_REGISTRY_URL', () => {
  test.each(['http://127.0.0.1:8081', 'https://registry.example/', URL_.SCHEMA_REGISTRY_URL])('may be %s', (url) => {
    expect(problems({ SCHEMA_REGISTRY_URL: url })).toBe('loaded')
  })

  test.each([
    ['no protocol', 'registry:8081'],
    ['another protocol', 'ftp://registry:8081'],
    ['a login, which has settings of its own', 'http://user:quiet@registry:8081'],
    ['parameters', 'http://registry:8081/?token=quiet'],
    ['several', 'http://one:8081,http://two:8081'],
  ])('is refused with %s', (_, url) => {
    const told = problems({ SCHEMA_REGISTRY_URL: url })
    expect(told).toContain('SCHEMA_REGISTRY_URL')
    expect(told).not.toContain('quiet')
  })

  test('is needed by a format with the schema "registry", which is told beside all other faults', () => {
    const format = { type: 'avro', schema: 'registry', pair: 'p', chain: 'c', price: 'x', eventTimeMs: 't' }
    const told = problems({}, { formats: { 'prices.a': format, 'prices.b': { ...format, sclae: 1 } } })
    expect(told).toContain('formats["prices.a"].schema')
    expect(told).toContain('SCHEMA_REGISTRY_URL')
    expect(told).toContain('sclae')
    expect(problems(URL_, { formats: { 'prices.a': format } })).toBe('loaded')
  })
})

describe('the login of the schema registry', () => {
  test.each<readonly [what: string, env: Readonly<Record<string, string>>, named: string]>([
    ['a user name alone', { ...URL_, SCHEMA_REGISTRY_USERNAME: 'u' }, 'SCHEMA_REGISTRY_PASSWORD'],
    ['a password alone', { ...URL_, SCHEMA_REGISTRY_PASSWORD: 'p' }, 'SCHEMA_REGISTRY_USERNAME'],
    [
      'a token beside a user name',
      { ...URL_, SCHEMA_REGISTRY_USERNAME: 'u', SCHEMA_REGISTRY_PASSWORD: 'p', SCHEMA_REGISTRY_TOKEN: 't' },
      'SCHEMA_REGISTRY_TOKEN',
    ],
    ['no address', { SCHEMA_REGISTRY_TOKEN: 't' }, 'SCHEMA_REGISTRY_URL'],
  ])('is refused with %s', (_, env, named) => {
    expect(problems(env)).toContain(named)
  })

  test('is shown without its password, which the log masks, and so is a token', () => {
    const login = { SCHEMA_REGISTRY_USERNAME: 'user', SCHEMA_REGISTRY_PASSWORD: 'hush hush' }
    for (const [env, secret] of [
      [login, 'hush hush'] as const,
      [{ SCHEMA_REGISTRY_TOKEN: 'token of ours' }, 'token of ours'] as const,
    ]) {
      const outcome = load({ ...URL_, ...env })
      if (outcome.status === 'refused') throw new Error(describeProblems(outcome.problems))
      expect(JSON.stringify(describeConfig(outcome))).not.toContain(secret)
      expect(secretsOf(outcome.config)).toContain(secret)
    }
  })
})
