import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { createTopic } from '../../deploy/stack/kafka-topic.ts'
import { type Stack, startStack } from '../../deploy/stack/stack.ts'
import { testWithJava } from '../harness/java.ts'
import { until } from '../harness/until.ts'

async function answers(url: string | undefined): Promise<boolean> {
  const redis = new Redis(url ?? '', {
    lazyConnect: true,
    retryStrategy: null,
    commandTimeout: 200,
    disconnectTimeout: 10,
  })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    if (redis.status !== 'end') redis.disconnect()
  }
}

/** On a busy machine a running Redis may take longer than a single `answers` waits. */
function untilAnswers(url: string | undefined): Promise<boolean> {
  return until('Redis answers', () => answers(url))
}

async function withStack(options: Parameters<typeof startStack>[0], body: (stack: Stack) => Promise<void>) {
  const stack = await startStack(options)
  try {
    await body(stack)
  } finally {
    await stack.stop()
  }
}

testWithJava('a killed broker restarts on its port with its topics', async () => {
  await withStack({ brokers: 1, redis: false }, async (stack) => {
    const topics = async (): Promise<string[]> => {
      const admin = new Kafka({
        brokers: [...stack.brokers],
        logLevel: logLevel.NOTHING,
        retry: { retries: 0 },
      }).admin()
      try {
        await admin.connect()
        return await admin.listTopics()
      } finally {
        await admin.disconnect()
      }
    }
    await createTopic(stack.brokers, { topic: 'kept', partitions: 1 })

    await stack.killBroker(0)
    await expect(topics()).rejects.toThrow()
    await stack.startBroker(0)
    await until('it has its topic', async () => (await topics()).includes('kept'))
  })
})

testWithJava('the Redis of a stack can be paused, resumed, stopped and started', async () => {
  await withStack({ brokers: 0 }, async (stack) => {
    expect(stack.brokers).toEqual([])
    await stack.pauseRedis()
    expect(await answers(stack.redisUrl)).toBe(false)
    stack.resumeRedis()
    await untilAnswers(stack.redisUrl)
    await stack.stopRedis()
    expect(await answers(stack.redisUrl)).toBe(false)
    await stack.startRedis()
    await untilAnswers(stack.redisUrl)
    await stack.stop()
    await stack.stop()
    expect(await answers(stack.redisUrl)).toBe(false)
  })
})

testWithJava('the stack of a killed process ends with it', async () => {
  const module = fileURLToPath(new URL('../../deploy/stack/stack.ts', import.meta.url))
  const script = `
    const { startStack } = await import(${JSON.stringify(module)})
    const stack = await startStack({ brokers: 0 })
    console.log(stack.redisUrl)
    setInterval(() => {}, 1000)`
  const owner = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const [url] = await once(createInterface(owner.stdout), 'line')
  await untilAnswers(url)
  owner.kill('SIGKILL')
  await until('Redis is gone', async () => !(await answers(url)))
})

test('the folder of a killed process is deleted when the next stack starts', async () => {
  const ended = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(ended, 'exit')
  const left = mkdtempSync(join(tmpdir(), `forewarm-stack-${ended.pid}-`))
  const ours = mkdtempSync(join(tmpdir(), `forewarm-stack-${process.pid}-`))
  await withStack({ brokers: 0, redis: false }, async () => {
    expect(existsSync(left)).toBe(false)
    expect(existsSync(ours)).toBe(true)
  })
  rmSync(ours, { recursive: true })
})

test('a stack without Redis refuses to stop it', async () => {
  await withStack({ brokers: 0, redis: false }, async (stack) => {
    await expect(stack.stopRedis()).rejects.toThrow('started without')
  })
})
