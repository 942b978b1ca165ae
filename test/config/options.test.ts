import { expect, test } from '@jest/globals'
import {
  attachPrices,
  createCache,
  createKafkaBroker,
  createNode,
  createPricePublisher,
  createWarming,
  createWarmPublisher,
  detector,
  record,
  replay,
  virtualClock,
} from '../../index.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { replayFile } from '../../testing.ts'

const env = { CACHE_L2_ENABLED: 'false' }
const nothing = () => undefined
/** Options as a program in JavaScript may pass them. */
const given = (options: object) => options as never

const file = { file: 'prices.ndjson' }
const inProcess = { apply: nothing }

test.each<readonly [call: () => unknown, message: string]>([
  [() => createCache(given({ env, l1SizeMB: 1 })), 'createCache: there is no option l1SizeMB; did you mean l1SizeMb?'],
  [
    () => createCache(given({ env, ttlSeconds: { L1: 5 } })),
    'createCache: ttlSeconds: there is no option L1; did you mean l1?',
  ],
  [() => createCache(given({ env, ttlSeconds: 5 })), 'createCache: ttlSeconds: expected an object of options, got 5'],
  [() => createNode(given({ env, detector: [] })), 'createNode: there is no option detector; did you mean detectors?'],
  [
    () => createNode(given({ env, logLevel: 'loud' })),
    'createNode: logLevel: expected debug | info | warn | error | silent, got "loud"',
  ],
  [
    () => createWarmPublisher(given({ env, brokers: 1 })),
    'createWarmPublisher: there is no option brokers; did you mean broker?',
  ],
  [
    () => createWarming(given({}), given({ timeoutMS: 5 })),
    'createWarming: there is no option timeoutMS; did you mean warmerConfig.timeoutMs?',
  ],
  [
    () => createKafkaBroker(given({ brokers: ['127.0.0.1:1'], clientId: 'a', sessionTimeout: 5 })),
    'createKafkaBroker: there is no option sessionTimeout; did you mean sessionTimeoutMs?',
  ],
  [
    () => createMemoryBroker(given({ partition: { prices: 2 } })),
    'createMemoryBroker: there is no option partition; did you mean partitions?',
  ],
  [
    () => attachPrices(given({}), given({ clok: nothing })),
    'attachPrices: there is no option clok; did you mean clock?',
  ],
  [
    async () => {
      const cache = await createCache<string>(given({ env, usePriceMatrix: false }))
      try {
        cache.set('A', 'value', given({ eventTime: 5 }))
      } finally {
        await cache.close()
      }
    },
    'set: there is no option eventTime; did you mean eventTimeMs?',
  ],
  [() => replayFile(given({ file: 'x', aply: nothing })), 'replayFile: there is no option aply; did you mean apply?'],
  [
    () => createPricePublisher(given({ topic: 'p', partitions: 1, batch: { lingerMS: 5 } })),
    'createPricePublisher: batch: there is no option lingerMS; did you mean lingerMs?',
  ],
  [
    () => createPricePublisher(given({ topic: 'p', partitions: Number.NaN })),
    'createPricePublisher: partitions: expected a whole number from 1 to 9007199254740991, got NaN',
  ],
  [() => detector('d', given({ topic: ['a'] }), nothing), 'detector d: there is no option topic; did you mean topics?'],
  [
    () => detector('d', given({ chains: 'ethereum' }), nothing),
    'detector d: chains: expected a list of one name at least, got "ethereum"',
  ],
  [
    () => detector('d', given({ chains: ['e', ''] }), nothing),
    'detector d: chains: expected a list of one name at least, got a list',
  ],
  [
    () => detector('d', { topics: [] }, nothing),
    'detector d: topics: expected a list of one name at least, got a list',
  ],
  [() => detector('d', {}, given({})), 'detector d: expected a function, got an object'],
])('an option that no call knows is refused by name, with the one that was meant: %#', async (call, message) => {
  await expect((async () => call())()).rejects.toMatchObject({ name: 'ForewarmError', code: 'bad-value', message })
})

test.each<readonly [options: object, message: string]>([
  [
    { from: file, to: { inProcess }, verifyhash: true },
    'replay: there is no option verifyhash; did you mean verifyHash?',
  ],
  [{ from: file, to: { inProcess }, pairs: ['A'] }, 'replay: there is no option pairs; did you mean filters.pairs?'],
  [{ from: file, to: { inProcess }, max: 0 }, 'replay: there is no option max; did you mean filters.max?'],
  [
    { from: file, to: { inProcess, topic: 'a' } },
    'to: got inProcess and topic; allowed: one of topicPrefix, topic, inProcess, stdout',
  ],
  [{ from: file, to: { inProcess }, verifyHash: false }, 'verifyHash: got false; allowed: true, or the expected hash'],
  [
    { from: file, to: { inProcess: { apply: nothing, timeoutMs: Number.NaN } } },
    'replay: to.inProcess: timeoutMs: expected milliseconds from 0, got NaN',
  ],
  [
    { from: file, to: { inProcess: { apply: nothing, fluhs: nothing } } },
    'replay: to.inProcess: there is no option fluhs; did you mean flush?',
  ],
  [
    { from: file, to: { inProcess: { apply: nothing, timeoutMS: 5 } } },
    'replay: to.inProcess: there is no option timeoutMS; did you mean timeoutMs?',
  ],
  [
    { from: file, to: { inProcess: { apply: nothing, stateHash: 'abc' } } },
    'replay: to.inProcess: stateHash: expected a function, got "abc"',
  ],
  [{ from: file, to: { inProcess: {} } }, 'to.inProcess.apply: got undefined; allowed: a function'],
  [{ from: file, to: { inProcess: nothing } }, 'to.inProcess: got () => undefined; allowed: an object with apply'],
  [{ from: file, to: { inProcess }, stallMs: -1 }, 'replay: stallMs: expected milliseconds from 0, got -1'],
])('a replay refuses a misspelt, misplaced or impossible option before it reads: %#', async (options, message) => {
  await expect(replay(given(options))).rejects.toMatchObject({ name: 'ReplayError', code: 'bad-option', message })
})

test('a recording refuses a misspelt or impossible option before it reads', async () => {
  const of = (options: object) => record(given({ topics: ['prices'], file: 'out.ndjson', ...options }))
  await expect(of({ replce: true })).rejects.toMatchObject({
    ...{ name: 'ReplayError', code: 'bad-option' },
    message: 'record: there is no option replce; did you mean replace?',
  })
  await expect(of({ stallMs: '5' })).rejects.toThrow('record: stallMs: expected milliseconds from 0, got "5"')
})

test('a replay leaves the members of its sink alone that are the own ones of the sink', async () => {
  const sink = { applied: 0, opens: 0, records: [], apply: nothing }
  const replaying = replay({ from: { file: 'there-is-no-such.ndjson' }, to: { inProcess: sink } })
  await expect(replaying).rejects.toThrow('there-is-no-such.ndjson')
})

test('a read refuses an age that is none, instead of giving a price of any age', async () => {
  const cache = await createCache({ env, clock: virtualClock(1_783_715_268_000) })
  cache.set('A', { price: 1 })
  for (const maxAgeMs of [Number.NaN, -1, '500', null]) {
    const refused = expect.objectContaining({ code: 'bad-value', message: expect.stringContaining('maxAgeMs') })
    expect(() => cache.get('A', given({ maxAgeMs }))).toThrow(refused)
    await expect(cache.getOrLoad('A', given({ maxAgeMs }))).rejects.toEqual(refused)
  }
  for (const maxBehindMs of [Number.NaN, -1, '500', null])
    expect(() => cache.get('A', given({ maxBehindMs }))).toThrow('maxBehindMs')
  expect(cache.get('A', { maxAgeMs: 1, maxBehindMs: 5 })).toBe('behind')
  expect(() => cache.get('A', given({ maxAgeMS: 5 }))).toThrow(
    'read: there is no option maxAgeMS; did you mean maxAgeMs?',
  )
  expect([cache.get('A', { maxAgeMs: 0 }), cache.get('A', { maxAgeMs: Infinity })]).toMatchObject([
    { price: 1 },
    { price: 1 },
  ])
  await cache.close()
})

test('a cache refuses a value that is no price of the pair, whatever it is', async () => {
  const cache = await createCache({ env })
  for (const value of [
    null,
    undefined,
    5,
    [{ price: 1 }],
    { updates: [{ pair: 'Q', price: 1 }] },
    { price: 1, eventTime: 5 },
  ])
    expect(() => cache.set('A', given(value as object))).toThrow(expect.objectContaining({ code: 'bad-value' }))
  expect(cache.set('A', given({ pair: 'A', chain: 'default', price: 1 }))).toBe('stored')
  await cache.close()
})

test('a cache refuses a value that names another pair or chain than the one it is stored under', async () => {
  const cache = await createCache({ env, chain: 'ethereum' })
  expect(() => cache.set('A', given({ pair: 'B', price: 1 }))).toThrow(
    expect.objectContaining({ code: 'bad-value', message: 'A: the value is of pair "B"' }),
  )
  expect(() => cache.set('A', given({ pair: 'A', chain: 'solana', price: 1 }))).toThrow(
    expect.objectContaining({
      code: 'bad-value',
      message: 'A: the value is of chain "solana", the cache of "ethereum"',
    }),
  )
  expect(cache.get('A')).not.toHaveProperty('price')
  expect(cache.set('A', given({ pair: 'A', chain: undefined, price: 1 }))).toBe('stored')
  await cache.close()
})

test('a node takes all of its options', async () => {
  const node = await createNode({
    env: {},
    l2: 'memory',
    broker: createMemoryBroker(),
    start: 'latest',
    logLevel: 'silent',
  })
  await node.close()
})
