import { describe, expect, test } from '@jest/globals'
import {
  type ConfigSources,
  describeConfig,
  type LoadedConfig,
  loadConfig,
  type RefusedConfig,
  secretsOf,
} from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

type Sources = Omit<ConfigSources, 'env' | 'readFile'> & {
  readonly env?: ConfigSources['env']
  readonly files?: Readonly<Record<string, string>>
}

function load({ env = {}, files = {}, ...rest }: Sources): LoadedConfig | RefusedConfig {
  return loadConfig({ ...rest, env, readFile: (path) => files[path] })
}

function loaded(sources: Sources): LoadedConfig {
  const outcome = load(sources)
  if (outcome.status === 'refused') throw new Error(describeProblems(outcome.problems))
  return outcome
}

function problems(sources: Sources): string {
  const outcome = load(sources)
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

describe('loadConfig', () => {
  test('gives the documented defaults if nothing is set', () => {
    const { config, origin, warnings } = loaded({})
    expect(config.kafka).toMatchObject({ brokers: ['127.0.0.1:9092'], ssl: false, startTimeoutMs: 60_000 })
    expect(config.kafka.warmRequestsTopic).toBe('warm-requests')
    expect(config.node).toEqual({
      service: 'default',
      roles: ['correlate', 'detect', 'warm', 'api'],
      profile: 'production',
      lookAhead: 'auto',
      lookAheadMs: 2,
      detectorConcurrency: 64,
      ...{ detectorTimeoutMs: 1000, detectorFaults: 'go-on' },
      ...{ drainTimeoutMs: 1000, watchdogMs: 30_000 },
    })
    expect(config.warming).toEqual({
      ...{ enabled: true, feature: true, rollout: 'shadow', rolloutPercentage: 1, enabledChains: ['all'] },
      ...{ strategy: 'forewarm', strategyConfig: undefined, adaptiveEnabled: true, async: true },
      ...{ strategyB: undefined, strategyBConfig: undefined, strategyBShare: 0.5 },
      ...{ controlShare: 0.02, maxPairs: 8, minScore: 0.2, timeoutMs: 50 },
    })
    expect(config.cache).toMatchObject({ l1SizeMb: 128, l1Slots: undefined, maxPairs: 1_000_000, l2FlushMs: 10 })
    expect(config.http).toEqual({ port: 9090, host: '127.0.0.1', token: undefined, metricsAuth: false })
    expect(config.metrics).toEqual({ enabled: true, prefix: 'arbitrage_' })
    expect(origin('KAFKA_BROKERS')).toBe('default')
    expect(warnings).toEqual([])
  })

  test('takes the argument before the environment, the file, the profile and the default', () => {
    const file = { cache: { l1Slots: 1, maxPairs: 2, l2FlushMs: 3 }, warming: { timeoutMs: 4 } }
    const { config, origin } = loaded({
      overrides: { cache: { l1Slots: 30 } },
      env: { CACHE_L1_SLOTS: '20', MAX_PAIRS: '20' },
      files: { 'forewarm.config.json': JSON.stringify(file) },
      profile: 'development',
    })
    expect(config.cache).toMatchObject({ l1Slots: 30, maxPairs: 20, l2FlushMs: 3, l1SizeMb: 128 })
    expect(config.warming.timeoutMs).toBe(4)
    expect(['CACHE_L1_SLOTS', 'MAX_PAIRS', 'L2_FLUSH_MS', 'CACHE_L1_SIZE'].map(origin)).toEqual([
      'argument',
      'environment',
      'file',
      'default',
    ])
  })

  test('takes the profile before the default', () => {
    const { config, origin } = loaded({ env: { FOREWARM_PROFILE: 'development' } })
    expect(config.warming.timeoutMs).toBe(100)
    expect(origin('WARMING_TIMEOUT_MS')).toBe('profile')
  })

  test('lets the environment choose another profile than the command that starts the node', () => {
    expect(loaded({ profile: 'development' }).config.node.profile).toBe('development')
    expect(loaded({ profile: 'development', env: { FOREWARM_PROFILE: 'staging' } }).config.node.profile).toBe('staging')
  })

  test('derives the limits of a warm from the strategy that was chosen', () => {
    const limits = (env: Record<string, string>) => {
      const { maxPairs, minScore, strategy } = loaded({ env }).config.warming
      return [strategy, maxPairs, minScore]
    }
    expect(limits({ WARMING_STRATEGY: 'topn' })).toEqual(['top-n', 5, 0.3])
    expect(limits({ WARMING_STRATEGY: 'aggressive' })).toEqual(['aggressive', 10, 0.2])
    expect(limits({ WARMING_STRATEGY: 'conservative', WARMING_MAX_PAIRS: '4' })).toEqual(['conservative', 4, 0.5])
  })

  test('freezes what it gives', () => {
    const { config } = loaded({})
    expect([config, config.kafka, config.kafka.brokers, config.node.roles].every(Object.isFrozen)).toBe(true)
  })

  test('reports every bad value at once, with its name, what was given and what is allowed', () => {
    const outcome = load({
      env: { KAFKA_BROKERS: 'kafka', CACHE_L1_SIZE: '12.5', WARMING_STRATEGY: 'best', WARMING_MIN_SCORE: '2' },
      overrides: { node: { lookAheadMs: -1 } },
      files: { 'forewarm.config.json': '{ "http": { "port": "ninety" } }' },
    })
    expect(outcome.status === 'refused' && outcome.problems).toEqual([
      expect.objectContaining({ setting: 'KAFKA_BROKERS', origin: 'environment', received: '"kafka"' }),
      expect.objectContaining({ setting: 'node.lookAheadMs', origin: 'argument', received: '-1' }),
      {
        setting: 'WARMING_STRATEGY',
        origin: 'environment',
        received: '"best"',
        allowed:
          'forewarm | top-n | threshold | adaptive | time-based | conservative | aggressive (also topn, timebased, time_based); in code, also a strategy of your own',
      },
      expect.objectContaining({ setting: 'WARMING_MIN_SCORE', allowed: 'a number from 0 to 1' }),
      expect.objectContaining({ setting: 'CACHE_L1_SIZE', allowed: 'a whole number from 1 to 65536' }),
      expect.objectContaining({ setting: 'http.port', origin: 'file', received: '"ninety"' }),
    ])
  })

  test('counts an empty variable as not set', () => {
    expect(loaded({ env: { KAFKA_BROKERS: '', FOREWARM_TOKEN: '' } }).origin('KAFKA_BROKERS')).toBe('default')
  })

  test('reads price topics as a list or as a pattern', () => {
    const topics = (value: string) => loaded({ env: { PRICE_TOPICS: value } }).config.kafka.priceTopics
    expect(topics('prices.ethereum, prices.base')).toEqual(['prices.ethereum', 'prices.base'])
    expect(topics('/^prices\\.(eth|base)$/i')).toEqual(/^prices\.(eth|base)$/i)
    expect(problems({ env: { PRICE_TOPICS: '/(/' } })).toContain('PRICE_TOPICS (environment): got "/(/"')
    for (const value of ['a,,b', 'q.ok,q.ok']) expect(problems({ env: { PRICE_TOPICS: value } })).toContain('each once')
  })
})

describe('loadConfig and names that are unknown', () => {
  test('an unknown key of the file is refused, and the one that was meant is suggested', () => {
    const file = { kafka: { broker: ['a:1'] }, KAFKA_SSL: true, cach: {}, http: { l1Slots: 1 }, node: 5 }
    const told = problems({ files: { 'forewarm.config.json': JSON.stringify(file) } })
    expect(told.split('\n')).toEqual([
      'kafka.broker (file): got an unknown key; allowed: did you mean kafka.brokers?',
      'KAFKA_SSL (file): got an unknown key; allowed: did you mean kafka.ssl?',
      'cach (file): got an unknown key; allowed: did you mean cache?',
      'http.l1Slots (file): got an unknown key; allowed: did you mean cache.l1Slots?',
      expect.stringContaining('node (file): got 5; allowed: an object with service, roles'),
    ])
  })

  test('an unknown key of the argument is refused', () => {
    const overrides: object = { warming: { maxPair: 3 } }
    expect(problems({ overrides })).toContain('did you mean warming.maxPairs?')
  })

  test('a key that every object has, such as constructor, is unknown too', () => {
    expect(problems({ files: { 'forewarm.config.json': '{ "constructor": {}, "__proto__": {} }' } })).toContain(
      'constructor (file): got an unknown key',
    )
  })

  test('a variable that looks like a misspelt setting is refused', () => {
    const told = problems({ env: { KAFKA_BROKER: 'a:1', WARMNIG_STRATEGY: 'top-n', redis_url: 'redis://a' } })
    expect(told).toContain('KAFKA_BROKER (environment): got an unknown name; allowed: did you mean KAFKA_BROKERS?')
    expect(told).toContain('did you mean WARMING_STRATEGY?')
    expect(told).toContain('did you mean REDIS_URL?')
  })

  test('a variable that looks like a misspelt setting is left alone if that setting is set', () => {
    expect(problems({ env: { REDIS_URI: 'redis://other', REDIS_URL: 'redis://ours' } })).toBe('loaded')
  })

  test('a variable that only begins like ours causes a warning, and any other variable none', () => {
    const env = {
      KAFKA_OPTS: '-Xmx1g',
      KAFKA_HOME: '/opt/kafka',
      WARMING_COLOUR: 'red',
      FOREWARM_SERVICE_HOST: '10.0.0.1',
      KAFKA_PORT_9092_TCP: 'tcp://10.0.0.2:9092',
      PATH: '/bin',
      HOME: '/root',
      MAX_HEAP: '1g',
      FOREWARM_STACK_DIR: '/var/stack',
      FOREWARM_DATASETS: '/data',
    }
    expect(loaded({ env }).warnings).toEqual([
      expect.stringMatching(/^MAX_HEAP .* is no setting; it changes nothing; the nearest setting is MAX_PAIRS$/),
      expect.stringMatching(/^WARMING_COLOUR /),
    ])
  })
})

describe('loadConfig and files', () => {
  test('a file that is named is refused if it is missing, not JSON or not an object', () => {
    expect(problems({ file: 'gone.json' })).toContain('gone.json (file): got no file that can be read')
    expect(problems({ file: 'a.json', files: { 'a.json': '{' } })).toContain('a.json (file): got ')
    expect(problems({ file: 'a.json', files: { 'a.json': '[]' } })).toContain('JSON, but not an object')
  })

  test('.env is read in development, below the environment and above the file', () => {
    const files = {
      '.env': 'KAFKA_BROKERS="dotted:1"\nMAX_PAIRS=7\n# a comment\n',
      'forewarm.config.json': '{ "kafka": { "brokers": ["file:1"] } }',
    }
    const { config, origin } = loaded({ files, profile: 'development', env: { MAX_PAIRS: '9' } })
    expect(config.kafka.brokers).toEqual(['dotted:1'])
    expect(origin('KAFKA_BROKERS')).toBe('.env')
    expect(config.cache.maxPairs).toBe(9)
    expect(loaded({ files }).config.kafka.brokers).toEqual(['file:1'])
  })

  test('.env is refused if it holds a misspelt name or names another profile', () => {
    const told = problems({
      files: { '.env': 'KAFKA_BROKER=a:1\nFOREWARM_PROFILE=production' },
      profile: 'development',
    })
    expect(told).toContain('KAFKA_BROKER (.env)')
    expect(told).toContain('FOREWARM_PROFILE (.env): got "production"')
  })

  test('certificates are read from PEM text or from the file that is named', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----'
    const told = problems({ env: { KAFKA_SSL: 'true', KAFKA_SSL_KEY: 'key.pem' }, files: { 'key.pem': key } })
    expect(told).toBe('KAFKA_SSL_CERT (default): got nothing; allowed: certificate and key together')
    expect(problems({ env: { KAFKA_SSL: 'true', KAFKA_SSL_CA: 'gone.pem' } })).toContain(
      'KAFKA_SSL_CA (environment): got "gone.pem"; allowed: a PEM certificate, or the path of a file that holds one',
    )
  })
})

describe('settings that contradict each other', () => {
  test('several servers of L2 are a cluster, which has no database but the first', () => {
    expect(problems({ env: { REDIS_URL: 'redis://one:1,redis://two:2/0' } })).toBe('loaded')
    expect(problems({ env: { REDIS_URL: 'redis://one:1,redis://two:2/3' } })).toContain('REDIS_URL')
  })

  test('a value may not stay longer in L1 than in L2', () => {
    expect(problems({ env: { CACHE_L1_TTL: '61', CACHE_L2_TTL: '60' } })).toBe(
      'CACHE_L1_TTL (environment): got 61; allowed: at most CACHE_L2_TTL, which is 60: L1 keeps nothing longer than L2',
    )
    expect(problems({ env: { CACHE_L2_TTL: '60' } })).toBe('loaded')
  })

  test('half of a login is refused', () => {
    expect(problems({ env: { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u' } })).toContain(
      'KAFKA_SASL_PASSWORD',
    )
    expect(problems({ env: { KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' } })).toContain('KAFKA_SASL_MECHANISM')
  })

  test('a value that is not allowed is reported once', () => {
    const env = { KAFKA_SASL_MECHANISM: 'kerberos', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' }
    expect(problems({ env }).split('\n')).toHaveLength(1)
  })

  test('a port that other machines can reach needs a token', () => {
    expect(problems({ env: { METRICS_HOST: '0.0.0.0' } })).toContain('FOREWARM_TOKEN (default): got nothing')
    expect(problems({ env: { METRICS_HOST: '0.0.0.0', FOREWARM_TOKEN: 'long-enough' } })).toBe('loaded')
    for (const METRICS_HOST of ['127.0.0.2', '::1']) expect(problems({ env: { METRICS_HOST } })).toBe('loaded')
    expect(problems({ env: { METRICS_HOST: '::ffff:10.0.0.1' } })).toContain('FOREWARM_TOKEN')
  })

  test('each purpose needs a topic of its own', () => {
    const told = problems({ env: { WARM_REQUESTS_TOPIC: 'x', WARM_RESULTS_TOPIC: 'x' } })
    expect(told).toContain('WARM_RESULTS_TOPIC (environment): got "x"; allowed: a topic that WARM_REQUESTS_TOPIC')
    expect(problems({ env: { PRICE_TOPICS: 'warm-results' } })).toContain('a topic that PRICE_TOPICS does not name')
  })
})

describe('secrets', () => {
  const env = {
    FOREWARM_TOKEN: 'token-of-ours',
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USERNAME: 'user',
    KAFKA_SASL_PASSWORD: 'hush hush',
    REDIS_URL: 'redis://user:quiet@one:1',
  }

  test('are masked when the configuration is printed', () => {
    const rows = describeConfig(loaded({ env }))
    const value = (name: string) => rows.find((row) => row.name === name)?.value
    expect(value('FOREWARM_TOKEN')).toBe('********')
    expect(value('KAFKA_SASL_PASSWORD')).toBe('********')
    expect(value('REDIS_URL')).toBe('redis://user:********@one:1')
    expect(value('KAFKA_SSL_KEY')).toBe('')
    expect(value('KAFKA_SASL_USERNAME')).toBe('user')
  })

  test('are not repeated by the error that refuses them', () => {
    expect(problems({ env: { FOREWARM_TOKEN: 'short' } })).not.toContain('short')
    expect(problems({ env: { REDIS_URL: 'http://u:quiet@a' } })).not.toContain('quiet')
  })

  test('are listed, so that the log can mask them', () => {
    expect([...secretsOf(loaded({ env }).config)].sort()).toEqual(['hush hush', 'quiet', 'token-of-ours'])
  })
})
