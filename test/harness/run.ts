import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { type Stack, startStack } from '../../deploy/stack/stack.ts'
import { StackError } from '../../deploy/stack/stack-error.ts'

/**
 * What `npm test`, `npm run test:unit` and `npm run test:long` call: Jest, with a Kafka and a Redis around it for what
 * needs them. KAFKA_BROKERS and REDIS_URL are used where both are set; otherwise a stack is started and ended again.
 * Arguments go on to Jest; the exit code is Jest's, 1 where the stack could not be had, 130 where Jest was interrupted.
 */
const ROOT = resolve(import.meta.dirname, '../..')
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js')
const NODE_OPTIONS = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules']
const INTERRUPTED = 130

async function main(argv: readonly string[]): Promise<number> {
  const [name] = argv
  const named = name === 'unit' || name === 'long'
  const projects = named ? [name] : ['unit', 'integration']
  // The projects come last, as Jest would take a file name after them for another project.
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
    // More likely a slip than a wish for one of the user's and one of ours.
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
  // A signal to us alone is passed on; Ctrl-C reaches Jest by itself. Either way Jest ends first, then the stack.
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
