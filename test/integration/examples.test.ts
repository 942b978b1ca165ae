import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { createKafkaBroker } from '../../index.ts'
import { type Ended, forewarm, OWN_TOPICS } from '../bin/forewarm-process.ts'
import { type RunningExample, startExample } from '../examples/example-process.ts'
import { kafkaBrokers, redisUrl, uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'

/** The walk-through of the README, in its order: the examples, and the same by the command line. */
const TOPIC = 'prices.example'
const COPY = `test.${TOPIC}`
const PRICES = fileURLToPath(new URL('../../examples/prices.ndjson', import.meta.url))
const SPREAD = fileURLToPath(new URL('../../examples/spread.ts', import.meta.url))
/** A generous timeout, as the answer always comes. */
const PATIENT = ['--wait', '--timeout-ms', '30000']
const PAIRS = ['WETH/USDC', 'WETH/USDT', 'WETH/DAI']
const SERVICE = uniqueName('examples')
const ENV = {
  ...OWN_TOPICS,
  KAFKA_BROKERS: kafkaBrokers().join(','),
  REDIS_URL: redisUrl(),
  PRICE_TOPICS: TOPIC,
  FOREWARM_SERVICE: SERVICE,
  METRICS_PORT: '0',
  // A busy machine may exceed the default timeouts of Redis (250 ms) and of a warm (50 ms).
  REDIS_COMMAND_TIMEOUT_MS: '5000',
  WARMING_TIMEOUT_MS: '5000',
}
const TOPICS = [TOPIC, `${TOPIC}.dlq`, COPY, ...Object.values(OWN_TOPICS)]

let folder: string
let node: RunningExample | undefined

async function deleteTopics(): Promise<void> {
  const broker = createKafkaBroker({ brokers: kafkaBrokers(), clientId: 'examples-test' })
  const admin = broker.admin()
  const present = async () => (await admin.topics()).filter((topic) => TOPICS.includes(topic))
  try {
    await admin.connect()
    const found = await present()
    if (found.length > 0) await admin.deleteTopics(found)
    await until('they are gone', async () => (await present()).length === 0)
  } finally {
    await broker.close()
  }
}

function said(): string {
  return node?.said() ?? ''
}

function call(...args: readonly string[]): Promise<Ended> {
  return forewarm(args, { env: ENV, cwd: folder })
}

async function runExample(name: string): Promise<Ended> {
  return startExample(name, { env: ENV, cwd: folder }).ended
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-examples-'))
  await deleteTopics()
  expect(await call('topics', 'create', TOPIC, '--partitions', '4')).toMatchObject({ code: 0, stderr: '' })
  const started = startExample('subscribe.ts', { env: ENV, cwd: folder })
  node = started
  await until('it reads', () => started.said().includes('reading'))
})
afterAll(async () => {
  node?.child.kill('SIGKILL')
  await node?.ended
  await deleteTopics()
  await rm(folder, { recursive: true })
})

describe('in the walk-through of the README', () => {
  test('subscribe.ts reads the prices that are replayed into its topic, and reports the spreads', async () => {
    // At full speed the shifted times are ahead of the clock, so no price is stale, however busy the machine.
    const replayed = await call('replay', PRICES, '--to', TOPIC, '--timestamps', 'shift')
    expect(replayed).toMatchObject({ code: 0, stdout: expect.stringContaining(`wrote ${TOPIC}: 60 records`) })
    await until('the last spread', () => said().includes('WETH/USDT is 0.98 % below WETH/USDC'))
    expect(said()).toContain('WETH/USDC is 0.53 % above WETH/USDT')
  })

  test('warm.ts gets an answer of the node for each pair', async () => {
    const { code, stdout, stderr } = await runExample('warm.ts')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^partial by \S+: 0 warmed, 2 in L1 already, 1 not found\n$/)
  })

  test('forewarm warm --wait gets the same answer', async () => {
    const { code, stdout } = await call('warm', ...PAIRS, '--chain', 'ethereum', ...PATIENT, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'over',
      task: { state: 'partial', nodes: [{ status: 'partial', alreadyInL1: 2, notFound: 1 }] },
    })
    const { stdout: text } = await call('warm', ...PAIRS, '--chain', 'ethereum', ...PATIENT)
    expect(text).toMatch(/^task \S+: partial\b[^\n]*\npartial by \S+ in \d+ ms: alreadyInL1 2, notFound 1\n$/)
  })

  test('replay.ts records the topic, replays it to the same state, and copies the topic', async () => {
    const { code, stdout, stderr } = await runExample('replay.ts')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^recorded 60 records of prices\.example, state hash [0-9a-f]{64}\n/)
    expect(stdout).toContain('60 records again, the same state\n')
    expect(stdout).toContain(`60 records into ${COPY}\n`)
  })

  test('forewarm record and forewarm replay --verify-hash agree on the state hash, and the detector runs again', async () => {
    const recorded = await call('record', TOPIC, '-o', 'example.ndjson.gz', '--json')
    expect(recorded.code).toBe(0)
    const { stateHash } = JSON.parse(recorded.stdout)
    const args = ['replay', 'example.ndjson.gz', '--in-process', '--detectors', SPREAD, '--verify-hash']
    const replayed = await call(...args)
    expect(replayed.code).toBe(0)
    expect(replayed.stdout).toContain(`state hash ${stateHash} (as expected)`)
    expect(replayed.stdout).toContain('WETH/USDC is 0.53 % above WETH/USDT')
  })

  test('cache.ts writes its price to Redis before it ends', async () => {
    const { code, stderr } = await runExample('cache.ts')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const redis = new Redis(redisUrl())
    expect(await redis.del(`fw:${SERVICE}:{default}:WETH/USDC`)).toBe(1)
    redis.disconnect()
  })

  test('Ctrl-C ends subscribe.ts cleanly', async () => {
    node?.child.kill('SIGINT')
    const ended = await node?.ended
    expect(ended?.code).toBe(0)
    expect(ended?.stderr).not.toContain('    at ')
  })
})
