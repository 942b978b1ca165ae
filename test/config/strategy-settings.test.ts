import { describe, expect, test } from '@jest/globals'
import { describeConfig, loadConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'
import { PROFILES } from '../../src/config/settings.ts'

function load(env: Record<string, string>) {
  return loadConfig({ env, readFile: () => undefined })
}

function loaded(env: Record<string, string>) {
  const outcome = load(env)
  if (outcome.status === 'refused') throw new Error(describeProblems(outcome.problems))
  return outcome
}

function refused(env: Record<string, string>): string {
  const outcome = load(env)
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : ''
}

describe('WARMING_STRATEGY_CONFIG', () => {
  test('gives the limits of the strategy, which are printed as they are', () => {
    const outcome = loaded({ WARMING_STRATEGY: 'topn', WARMING_STRATEGY_CONFIG: '{"topN":3,"minScore":0.4}' })
    expect(outcome.config.warming).toMatchObject({ strategy: 'top-n', maxPairs: 3, minScore: 0.4 })
    expect(describeConfig(outcome)).toContainEqual({
      ...{ name: 'WARMING_STRATEGY_CONFIG', value: '{"topN":3,"minScore":0.4}', origin: 'environment' },
    })
    expect(Object.isFrozen(outcome.config.warming.strategyConfig)).toBe(true)
  })

  test.each(['{"topN":3', '[3]', '3', '"top-n"', 'null'])(
    'is refused in one sentence as %s, which is no JSON object',
    (json) => {
      const problems = refused({ WARMING_STRATEGY_CONFIG: json })
      expect(problems).toMatch(
        /^WARMING_STRATEGY_CONFIG \(environment\): got .*; allowed: a JSON object with fields of the strategy: /,
      )
      expect(problems.split('\n').length).toBe(1)
    },
  )

  test('is refused by the field that the strategy does not have, or that is out of range', () => {
    expect(refused({ WARMING_STRATEGY: 'top-n', WARMING_STRATEGY_CONFIG: '{"maxPair":3,"minScore":2}' })).toBe(
      [
        'WARMING_STRATEGY_CONFIG (environment): got maxPair: 3; allowed: topN, minScore, for the strategy top-n',
        'WARMING_STRATEGY_CONFIG (environment): got minScore: 2; allowed: minScore: a number from 0 to 1',
      ].join('\n'),
    )
  })
})

describe('FEATURE_ADAPTIVE_STRATEGY_ENABLED', () => {
  test('puts top-n in the place of adaptive, and says so', () => {
    const env = { WARMING_STRATEGY: 'adaptive', FEATURE_ADAPTIVE_STRATEGY_ENABLED: 'false' }
    const { config, warnings } = loaded(env)
    expect([config.warming.maxPairs, config.warming.minScore]).toEqual([5, 0.3])
    expect(warnings).toEqual([
      'WARMING_STRATEGY is adaptive, but FEATURE_ADAPTIVE_STRATEGY_ENABLED is false: the strategy is top-n',
    ])
    expect(loaded({ WARMING_STRATEGY: 'adaptive' }).warnings).toEqual([])
    expect(loaded({ ...env, WARMING_STRATEGY: 'top-n', WARMING_STRATEGY_B: 'adaptive' }).warnings).toEqual([
      'WARMING_STRATEGY_B is adaptive, but FEATURE_ADAPTIVE_STRATEGY_ENABLED is false: the strategy is top-n',
    ])
    expect(loaded({ FEATURE_ADAPTIVE_STRATEGY_ENABLED: 'false' }).warnings).toEqual([])
  })

  test('does not make every FEATURE_ of another program a misspelt setting', () => {
    expect(loaded({ FEATURE_DARK_MODE: '1' }).warnings).toEqual([])
  })
})

describe('WARMING_ASYNC', () => {
  test.each([
    [{}, 'auto'],
    [{ WARMING_ASYNC: 'false' }, 'await'],
    [{ WARMING_ASYNC: 'false', LOOK_AHEAD: 'overlap' }, 'overlap'],
    [{ FOREWARM_PROFILE: 'development' }, 'await'],
  ])('with %j makes LOOK_AHEAD %s', (env, lookAhead) => {
    expect(loaded(env).config.node.lookAhead).toBe(lookAhead)
  })
})

test.each(PROFILES)('the profile %s warms by the strategy forewarm', (profile) => {
  expect(loaded({ FOREWARM_PROFILE: profile }).config.warming).toMatchObject({ strategy: 'forewarm', maxPairs: 8 })
})

test('an unknown profile is refused in one sentence', () => {
  expect(refused({ FOREWARM_PROFILE: 'prod' })).toBe(
    'FOREWARM_PROFILE (environment): got "prod"; allowed: development | staging | production',
  )
})

describe('a strategy of a user’s own as a setting', () => {
  const own = { name: 'mine', maxPairs: 4, minScore: 0.5, select: () => ({ selected: [], reason: '' }) }
  const given = (warming: object, env: Record<string, string> = {}) =>
    loadConfig({ env, readFile: () => undefined, overrides: { warming } })

  test('gives its limits, wins over the environment and is printed by its name', () => {
    const outcome = given({ strategy: own }, { WARMING_STRATEGY: 'top-n' })
    if (outcome.status === 'refused') throw new Error(describeProblems(outcome.problems))
    expect(outcome.config.warming).toMatchObject({ strategy: own, maxPairs: 4, minScore: 0.5 })
    expect(describeConfig(outcome)).toContainEqual({ name: 'WARMING_STRATEGY', value: 'mine', origin: 'argument' })
  })

  test('is replaced by what the control topic sets', () => {
    const outcome = given({ strategy: own })
    if (outcome.status === 'refused') throw new Error(describeProblems(outcome.problems))
    const changed = outcome.changed({ update: {}, control: { WARMING_STRATEGY: 'top-n' } })
    expect(changed).toMatchObject({ config: { warming: { strategy: 'top-n', maxPairs: 5, minScore: 0.3 } } })
  })

  test.each([
    [{ strategy: own, strategyConfig: { maxPairs: 3 } }, 'allowed: no field, for the strategy mine'],
    [{ strategyB: own, strategyBConfig: { topN: 3 } }, 'allowed: no field, for the strategy mine'],
    [{ strategy: { ...own, maxPairs: 0 } }, 'in code, also a strategy of your own'],
    [{ strategy: own.select }, 'in code, also a strategy of your own'],
  ])('is refused with values of its own, or where it is none: %p', (warming, message) => {
    const outcome = given(warming)
    expect(outcome.status === 'refused' ? describeProblems(outcome.problems) : '').toContain(message)
  })

  test('is top-n where it has the name adaptive and that is switched off, and a line says so', () => {
    const outcome = given({ strategy: { ...own, name: 'adaptive' }, adaptiveEnabled: false })
    expect(outcome.warnings).toEqual([expect.stringContaining('the strategy is top-n')])
    expect(outcome).toMatchObject({ config: { warming: { maxPairs: 5, minScore: 0.3 } } })
  })
})
