import { parseArgs } from 'node:util'
import { ensureLocalStack, localStackStatus, stopLocalStack, wipeLocalStack } from '../deploy/stack/detached.ts'
import { StackError } from '../deploy/stack/stack-error.ts'
import { DONE, type ExitCode, FAILED, USAGE } from './exit-code.ts'

const HELP = `usage: npm run -s stack -- <command>

A Kafka 4.1 and a Redis 7 on 127.0.0.1. They need JDK 17 or newer; the first start fetches them with Maven.

  start [--brokers 1|3]   starts both unless they run already; prints KAFKA_BROKERS=… and REDIS_URL=…
  status                  prints the same with exit code 0 if they run, nothing with exit code 1 if not
  stop                    ends both and keeps their data
  wipe                    ends both and deletes their data

Example: export $(npm run -s stack -- start)
`

async function main(argv: readonly string[]): Promise<ExitCode> {
  const args = parse(argv)
  if (typeof args === 'string') {
    process.stderr.write(`${args}\n\n${HELP}`)
    return USAGE
  }
  switch (args.command) {
    case 'help':
      process.stdout.write(HELP)
      return DONE
    case 'start':
      print(await ensureLocalStack({ ...args.stack, report: say }))
      return DONE
    case 'status':
      return status()
    case 'stop':
      say((await stopLocalStack()) ? 'stopped; its data is kept' : 'it was not running')
      return DONE
    case 'wipe':
      await wipeLocalStack()
      say('stopped, and its data is deleted')
      return DONE
  }
}

function status(): ExitCode {
  const found = localStackStatus()
  switch (found.status) {
    case 'running':
      print(found.stack)
      return DONE
    case 'stopped':
      say('not running')
      return FAILED
    case 'broken':
      say(`${found.missing.join(', ')} ended unexpectedly; \`start\` restarts the whole stack`)
      return FAILED
  }
}

type Args = { command: 'help' | 'start' | 'status' | 'stop' | 'wipe'; stack: { brokers?: 1 | 3 } }

/** The arguments, or what is wrong with them. */
function parse(argv: readonly string[]): Args | string {
  let parsed: { values: { brokers?: string; help?: boolean }; positionals: string[] }
  try {
    const options = { brokers: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const
    parsed = parseArgs({ args: [...argv], allowPositionals: true, options })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const { values, positionals } = parsed
  const [command, ...more] = positionals
  if (values.help || command === 'help') return { command: 'help', stack: {} }
  if (command === undefined) return 'a command is missing'
  if (command !== 'start' && command !== 'status' && command !== 'stop' && command !== 'wipe') {
    return `unknown command: ${command}`
  }
  if (more.length > 0) return `too many arguments: ${more.join(' ')}`
  if (values.brokers === undefined) return { command, stack: {} }
  if (command !== 'start') return '--brokers goes with start'
  if (values.brokers !== '1' && values.brokers !== '3') return `--brokers must be 1 or 3, not ${values.brokers}`
  return { command, stack: { brokers: values.brokers === '3' ? 3 : 1 } }
}

function print(stack: { brokers: readonly string[]; redisUrl: string }): void {
  process.stdout.write(`KAFKA_BROKERS=${stack.brokers.join(',')}\nREDIS_URL=${stack.redisUrl}\n`)
}

function say(line: string): void {
  process.stderr.write(`stack: ${line}\n`)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof StackError)) throw error
  say(error.message)
  process.exitCode = FAILED
}
