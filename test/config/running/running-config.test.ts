import { describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../../src/config/load.ts'
import { RunningConfig } from '../../../src/config/running/running-config.ts'
import type { Config, Overrides } from '../../../src/config/settings.ts'
import { SETTING_PLACES } from '../../../src/config/settings.ts'

/** The settings of a node that runs, and those that its parts were told of. */
function running(env: Record<string, string> = {}) {
  const loaded = loadConfig({ env, readFile: () => undefined })
  if (loaded.status === 'refused') throw new Error(JSON.stringify(loaded.problems))
  const told: Config[] = []
  const config = new RunningConfig(loaded)
  config.follow((changed) => told.push(changed))
  return { config, told, warming: () => config.now.config.warming }
}

describe('the table of settings', () => {
  test('says of every setting that it changes while a node runs, or why it does not', () => {
    for (const { row } of SETTING_PLACES) {
      const { changes } = row
      expect([row.name, changes === 'while running' || /^[a-z].{10,}[a-z0-9]$/i.test(changes.atStart)]).toEqual([
        row.name,
        true,
      ])
    }
  })

  test('lets the settings of warming change while a node runs', () => {
    const changeable = SETTING_PLACES.filter(({ row }) => row.changes === 'while running').map(({ row }) => row.name)
    expect(changeable).toEqual(
      expect.arrayContaining([
        ...['WARMING_STRATEGY', 'WARMING_MAX_PAIRS', 'WARMING_MIN_SCORE', 'WARMING_TIMEOUT_MS'],
        ...['LOOK_AHEAD', 'LOOK_AHEAD_MS'],
      ]),
    )
  })
})

describe('the settings of a node that runs', () => {
  test('change together, with their origin, and whoever works by them is told', () => {
    const { config, told, warming } = running({ WARMING_MAX_PAIRS: '6' })
    config.update({ warming: { maxPairs: 3 }, node: { lookAhead: 'off' } })
    expect([warming().maxPairs, config.now.config.node.lookAhead]).toEqual([3, 'off'])
    expect(['WARMING_MAX_PAIRS', 'LOOK_AHEAD', 'WARMING_MIN_SCORE'].map(config.now.origin)).toEqual([
      ...['update', 'update', 'default'],
    ])
    expect(told).toEqual([config.now.config])
  })

  test('keep earlier changes until these are taken back', () => {
    const { config, warming } = running({ WARMING_MAX_PAIRS: '6' })
    config.update({ warming: { maxPairs: 3 } })
    config.update({ warming: { minScore: 0.9 } })
    expect(warming()).toMatchObject({ maxPairs: 3, minScore: 0.9 })
    config.update({ warming: { maxPairs: undefined } })
    expect(warming()).toMatchObject({ maxPairs: 6, minScore: 0.9 })
    expect(config.now.origin('WARMING_MAX_PAIRS')).toBe('environment')
  })

  test('follow a new strategy in the defaults that depend on it', () => {
    const { config, warming } = running()
    config.update({ warming: { strategy: 'conservative' } })
    expect(warming()).toMatchObject({ strategy: 'conservative', maxPairs: 3, minScore: 0.5 })
  })

  test('all stay when one change is refused, and each refusal is named at once', () => {
    const { config, told } = running()
    const before = config.now
    const changes = { warming: { maxPairs: 0, minScor: 1 }, kafka: { brokers: ['a:1'] }, cache: { l1Slots: 5 } }
    expect(() => config.update(changes as Overrides)).toThrow(
      [
        'warming.minScor (update): got an unknown key; allowed: did you mean warming.minScore?',
        'kafka.brokers (update): got a change while the node runs; allowed: a value at start alone: the connections to the brokers are made with it',
        'cache.l1Slots (update): got a change while the node runs; allowed: a value at start alone: the memory of L1 is laid out with it',
        'warming.maxPairs (update): got 0; allowed: a whole number from 1 to 1000',
      ].join('\n'),
    )
    expect([config.now === before, told]).toEqual([true, []])
  })

  test.each([null, 7, [1], 'WARMING_MAX_PAIRS=3'])('refuse %j, which is no object of settings', (changes) => {
    const { config } = running()
    expect(() => config.update(changes as unknown as Overrides)).toThrow('updateConfig: expected an object of settings')
  })

  test('that the control topic sets win over those of a call, which is told so', () => {
    const { config, warming } = running()
    config.update({ warming: { maxPairs: 3 } })
    expect(config.control({ WARMING_MAX_PAIRS: '4', WARMING_MIN_SCORE: 0.5 })).toEqual([])
    expect(warming()).toMatchObject({ maxPairs: 4, minScore: 0.5 })
    expect(config.now.origin('WARMING_MAX_PAIRS')).toBe('control')
    expect(() => config.update({ warming: { maxPairs: 5 } })).toThrow(
      'warming.maxPairs (update): got a value for this node; allowed: none, as the control topic sets it for all nodes',
    )
    expect(config.control({})).toEqual([])
    expect(warming()).toMatchObject({ maxPairs: 3, minScore: 0.2 })
  })

  test('stay as they are if the control topic sets anything that is not allowed', () => {
    const { config, told } = running()
    config.control({ WARMING_MAX_PAIRS: 4 })
    const before = config.now
    const problems = config.control({
      WARMING_MAX_PAIRS: 2,
      WARMING_MIN_SCOR: 1,
      KAFKA_BROKERS: 'a:1',
      LOOK_AHEAD_MS: -1,
    })
    expect(problems.map(({ setting, origin }) => [setting, origin])).toEqual([
      ['WARMING_MIN_SCOR', 'control'],
      ['KAFKA_BROKERS', 'control'],
      ['LOOK_AHEAD_MS', 'control'],
    ])
    expect([config.now === before, told.length]).toEqual([true, 1])
  })

  test('are not read from a variable or a file that changes later', () => {
    const env: Record<string, string> = { WARMING_MAX_PAIRS: '6' }
    const { config, warming } = running(env)
    env.WARMING_MAX_PAIRS = '7'
    config.update({ warming: { minScore: 0.5 } })
    expect(warming().maxPairs).toBe(6)
  })
})
