import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Command } from './child.ts'
import { untilReady, type Wait } from './ready.ts'
import { StackError } from './stack-error.ts'

export interface RedisServer {
  readonly port: number
  /** The folder of its log file and its data. */
  readonly dir: string
  /** Whether data survives a stop, in an append-only file. */
  readonly keepData: boolean
}

export function redisCommand(server: RedisServer, binary: string): Command {
  mkdirSync(server.dir, { recursive: true })
  const settings = {
    '--bind': '127.0.0.1',
    '--port': String(server.port),
    '--dir': server.dir,
    '--save': '',
    '--appendonly': server.keepData ? 'yes' : 'no',
  }
  return { file: binary, args: Object.entries(settings).flat(), logFile: join(server.dir, 'redis.log') }
}

export function redisUrl(server: Pick<RedisServer, 'port'>): string {
  return `redis://127.0.0.1:${server.port}`
}

/** The binary for a platform, as named in the fetched jar. Throws a StackError if there is none. */
export function redisBinaryName(platform: NodeJS.Platform, arch: NodeJS.Architecture): string {
  const names: Partial<Record<string, string>> = {
    'linux x64': 'redis-server-7.0.15-linux-amd64',
    'linux arm64': 'redis-server-7.0.15-linux-arm64',
    'linux ia32': 'redis-server-7.0.15-linux-386',
    'darwin x64': 'redis-server-7.0.15-darwin-amd64',
    'darwin arm64': 'redis-server-7.0.15-darwin-arm64',
  }
  const name = names[`${platform} ${arch}`]
  if (name !== undefined) return name
  const known = Object.keys(names).join(', ')
  throw new StackError(
    'platform-unknown',
    `There is no Redis binary for ${platform} ${arch} (only for ${known}): set KAFKA_BROKERS and REDIS_URL instead.`,
  )
}

/** Resolves when it answers PING, which it does once its data is loaded. */
export function redisReady(url: string, wait: Wait): Promise<void> {
  return untilReady(wait, `Redis at ${url}`, () => ping(url))
}

async function ping(url: string): Promise<boolean> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: null, commandTimeout: 1000 })
  // Every error rejects one of the two calls as well.
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } finally {
    // ioredis waits two seconds for the close of a connection that was never made.
    if (redis.status !== 'end') redis.disconnect()
  }
}
