import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from '@jest/globals'
import { Redis } from 'ioredis'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { ensureLocalStack, localStackStatus, stopLocalStack, wipeLocalStack } from '../../deploy/stack/detached.ts'
import { createTopic } from '../../deploy/stack/kafka-topic.ts'
import { testWithJava } from '../harness/java.ts'
import { until } from '../harness/until.ts'

let stateDir: string

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'forewarm-local-'))
})

afterEach(async () => {
  await wipeLocalStack(stateDir)
  rmSync(stateDir, { recursive: true })
})

async function withAdmin<T>(brokers: string[], body: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  try {
    await admin.connect()
    return await body(admin)
  } finally {
    await admin.disconnect()
  }
}

async function withRedis<T>(url: string, body: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url)
  try {
    return await body(redis)
  } finally {
    redis.disconnect()
  }
}

testWithJava('a local stack keeps topics and keys over stop and start, and wipe deletes them', async () => {
  expect(localStackStatus(stateDir)).toEqual({ status: 'stopped' })
  const first = await ensureLocalStack({ stateDir })
  expect(localStackStatus(stateDir)).toEqual({ status: 'running', stack: first })
  await createTopic(first.brokers, { topic: 'kept', partitions: 1 })
  await withRedis(first.redisUrl, (redis) => redis.set('kept', 'yes'))

  expect(await stopLocalStack(stateDir)).toBe(true)
  expect(await stopLocalStack(stateDir)).toBe(false)
  const second = await ensureLocalStack({ stateDir })
  // A broker answers while it still loads its topics: the last ones may appear a moment later.
  await until('the topic is there again', () =>
    withAdmin(second.brokers, async (admin) => (await admin.listTopics()).includes('kept')),
  )
  expect(await withRedis(second.redisUrl, (redis) => redis.get('kept'))).toBe('yes')

  await wipeLocalStack(stateDir)
  expect(localStackStatus(stateDir)).toEqual({ status: 'stopped' })
  const third = await ensureLocalStack({ stateDir })
  expect(await withAdmin(third.brokers, (admin) => admin.listTopics())).not.toContain('kept')
  expect(await withRedis(third.redisUrl, (redis) => redis.get('kept'))).toBeNull()
})

testWithJava(
  'a local stack is started once by two concurrent calls, and refuses another number of brokers',
  async () => {
    const [one, other] = await Promise.all([ensureLocalStack({ stateDir }), ensureLocalStack({ stateDir })])
    expect(other).toEqual(one)
    await expect(ensureLocalStack({ stateDir, brokers: 3 })).rejects.toMatchObject({ code: 'busy' })
  },
)

testWithJava('two local stacks that start at once get different ports, though both want the same', async () => {
  const other = mkdtempSync(join(tmpdir(), 'forewarm-local-'))
  try {
    const stacks = await Promise.all([stateDir, other].map((dir) => ensureLocalStack({ stateDir: dir })))
    expect(new Set(stacks.flatMap(({ brokers, redisUrl }) => [...brokers, redisUrl])).size).toBe(4)
    const states = [stateDir, other].map((dir) => localStackStatus(dir).status)
    expect(states).toEqual(['running', 'running'])
  } finally {
    await wipeLocalStack(other)
    rmSync(other, { recursive: true })
  }
})

testWithJava('a local stack that lost a process says which, and is restarted as a whole', async () => {
  await ensureLocalStack({ stateDir })
  const { processes } = JSON.parse(readFileSync(join(stateDir, 'running.json'), 'utf8'))
  const redis = processes.find((mark: { name: string }) => mark.name === 'Redis')
  process.kill(redis.pid, 'SIGKILL')
  const status = await until('the loss is noticed', () => {
    const found = localStackStatus(stateDir)
    return found.status === 'running' ? undefined : found
  })
  expect(status).toEqual({ status: 'broken', missing: ['Redis'] })
  const again = await ensureLocalStack({ stateDir })
  expect(await withRedis(again.redisUrl, (client) => client.ping())).toBe('PONG')
})

testWithJava('a process that only has the number of one of the stack is not signalled', async () => {
  const stranger = { name: 'Redis', pid: process.pid, startedAt: 'another time' }
  const recorded = { brokers: [], redisUrl: 'redis://127.0.0.1:1', processes: [stranger] }
  writeFileSync(join(stateDir, 'running.json'), JSON.stringify(recorded))
  expect(await stopLocalStack(stateDir)).toBe(false)
  expect(localStackStatus(stateDir)).toEqual({ status: 'stopped' })
})
