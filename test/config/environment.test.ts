import { expect, test } from '@jest/globals'
import { reviewEnvironment } from '../../src/config/environment.ts'
import { SETTING_PLACES } from '../../src/config/settings.ts'

const ALL = Object.fromEntries(SETTING_PLACES.map(({ row }) => [row.name, 'set']))
const warningsOf = (name: string, value = 'x') => reviewEnvironment({ ...ALL, [name]: value }, 'environment').warnings

test.each([
  ['REDIS_HOST', 'REDIS_URL'],
  ['REDIS_PASSWORD', 'REDIS_'],
  ['CLICKHOUSE_USER', 'CLICKHOUSE_URL'],
  ['PREDICTION_ON', 'PREDICTION_ENABLED'],
  ['PATTERN_FILE', 'PATTERN_STORE'],
  ['MAX_CHAINS', 'MAX_PAIRS'],
  ['DRAIN_MS', 'DRAIN_TIMEOUT_MS'],
  ['KAFKA_X', 'KAFKA_'],
  ['KAFKA_PORT', 'KAFKA_'],
])('%s is no setting, and the warning names %s, which is one', (name, nearest) => {
  expect(warningsOf(name)).toEqual([
    expect.stringContaining(
      `${name} (environment) is no setting; it changes nothing; the nearest setting is ${nearest}`,
    ),
  ])
})

test('every first word of a setting but FEATURE is known to be ours', () => {
  const ours = Object.keys(ALL).filter((name) => !name.startsWith('FEATURE_'))
  for (const name of ours) expect(warningsOf(`${name.split('_')[0]}_NONE_OF_OURS`)).toHaveLength(1)
})

test.each([
  ['OTEL_SERVICE_NAME'],
  ['NODE_OPTIONS'],
  ['KAFKA_OPTS'],
  ['KAFKA_HEAP_OPTS'],
  ['KAFKA_HOME'],
  ['LOG_DIR'],
  ['REDIS_PORT', 'tcp://10.0.0.1:6379'],
  ['REDIS_PORT_6379_TCP', 'tcp://10.0.0.1:6379'],
  ['REDIS_SERVICE_HOST', '10.0.0.1'],
  ['KAFKA_SERVICE_PORT', '9092'],
])('%s is of other software and gives no warning', (...[name, value]) => {
  expect(warningsOf(name, value)).toEqual([])
})
