import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { type Stack, startStack } from '../../deploy/stack/stack.ts'
import { StackError } from '../../deploy/stack/stack-error.ts'

/**
 * Runs Jest for `npm test`, `npm run test:unit` and `npm run test:long`, with a Kafka and a Redis if the tests need them.
 * It uses those of KAFKA_BROKERS and REDIS_URL if both are set; otherwise it starts a stack and ends it again. `--full`
 * sets FOREWARM_FULL for the tests that can be more thorough and then take much longer. Other arguments are passed to
 * Jest. The exit code is Jest's, 1 if the stack could not start, or 130 if Jest was interrupted.
 */
const ROOT = resolve(import.meta.dirname, '../..')
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js')
const NODE_OPTIONS = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules']
const INTERRUPTED = 130

async function main(given: readonly string[]): Promise<number> {
  const argv = given.filter((argument) => argument !== '--full')
  if (argv.length < given.length) process.env.FOREWARM_FULL = '1'
  const [name] = argv
  const named = name === 'unit' || name === 'long'
  const projects = named ? [name] : ['unit', 'integration']
  // The projects come last: Jest would read a file name after them as another project.
  const args = [...argv.slice(named ? 1 : 0), '--selectProjects', ...projects]
  if (name === 'unit') return runJest(args, undefined)
  const stack = await stackUnlessGiven()
  try {
    return await runJest(args, stack)
  } finally {
    await stack?.stop()
  }
}

async function stackUnlessGiven(): Promise<Stack | undefined> {
  const given = ['KAFKA_BROKERS', 'REDIS_URL'].filter((name) => process.env[name])
  if (given.length === 2) return undefined
  if (given.length === 1) {
    const missing = given.includes('REDIS_URL') ? 'KAFKA_BROKERS' : 'REDIS_URL'
    // More likely a mistake than the wish to mix the user's Kafka or Redis with ours.
    throw new StackError(
      'half-given',
      `${given} is set and ${missing} is not: set both, or neither to have them started.`,
    )
  }
  return startStack({ brokers: 1, redis: true, report: (line) => console.error(`stack: ${line}`) })
}

async function runJest(args: readonly string[], stack: Stack | undefined): Promise<number> {
  const env = { ...process.env }
  if (stack?.redisUrl !== undefined) {
    env.KAFKA_BROKERS = stack.brokers.join(',')
    env.REDIS_URL = stack.redisUrl
  }
  const jest = spawn(process.execPath, [...NODE_OPTIONS, JEST, ...args], { cwd: ROOT, env, stdio: 'inherit' })
  // Ctrl-C reaches Jest directly, a signal to us alone is passed on. Either way Jest ends before the stack.
  const passOn = (signal: NodeJS.Signals): void => {
    jest.kill(signal)
  }
  process.on('SIGTERM', passOn)
  process.on('SIGINT', passOn)
  const [code] = await once(jest, 'exit')
  return typeof code === 'number' ? code : INTERRUPTED
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof StackError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
