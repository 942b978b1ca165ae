#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { VERSION } from '../src/version.ts'
import type { CommandModule } from './command-module.ts'
import { DONE, type ExitCode, USAGE } from './exit-code.ts'
import { reportFailure } from './failure.ts'
import { interruptible } from './interruption.ts'
import { leaveQuietlyOnBrokenPipe, type Terminal } from './terminal/terminal.ts'
import { UsageError } from './usage-error.ts'

interface CommandEntry {
  readonly name: string
  readonly summary: string
  load(): Promise<CommandModule>
}

/** Only the one that is called is loaded: Kafka, Redis and telemetry take longer to load than most commands to run. */
const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'dev',
    summary: 'run the whole pipeline in this process on a simulated market',
    load: () => import('./commands/dev-command.ts'),
  },
  { name: 'run', summary: 'run a node against Kafka and Redis', load: () => import('./commands/run.ts') },
  { name: 'warm', summary: 'ask for pairs to be warmed', load: () => import('./commands/warm.ts') },
  { name: 'replay', summary: 'play a topic or a recording again', load: () => import('./commands/replay.ts') },
  { name: 'record', summary: 'write topics into a file', load: () => import('./commands/record.ts') },
  { name: 'tail', summary: 'show the records of a topic, decoded', load: () => import('./commands/tail.ts') },
  { name: 'produce', summary: 'write price updates to a topic', load: () => import('./commands/produce.ts') },
  {
    name: 'simulate',
    summary: 'run policies and warmings on recorded traffic',
    load: () => import('./commands/simulate.ts'),
  },
  { name: 'topics', summary: "make Forewarm's own topics", load: () => import('./commands/topics.ts') },
  { name: 'config', summary: 'show every setting and where it comes from', load: () => import('./commands/config.ts') },
]

const EXAMPLES = `
Examples:
  $ forewarm dev
  $ forewarm warm WETH/USDC --chain ethereum --wait
  $ forewarm replay prices.ethereum --to-prefix test. --speed 10
  $ forewarm replay --help`

async function main(argv: readonly string[]): Promise<ExitCode> {
  const terminal: Terminal = { stdout: process.stdout, stderr: process.stderr, signal: interruptible() }
  leaveQuietlyOnBrokenPipe(process.stdout)
  leaveQuietlyOnBrokenPipe(process.stderr)
  const asJson = argv.includes('--json')
  const program = new Command('forewarm')
    .description('Warms the prices that a detector is about to read: Kafka in, Redis behind, shared memory in front.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => (asJson ? undefined : write(text)) })
    .addHelpText('after', EXAMPLES)
  let exitCode: ExitCode = DONE
  try {
    const called = calledCommand(argv)
    for (const { name, summary, load } of COMMANDS) {
      const command = program.command(name).summary(summary).description(summary).exitOverride()
      if (name !== called) continue
      const module = await load()
      module.define(command, async (body) => {
        exitCode = await body(terminal)
      })
    }
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(terminal, error, asJson)
    if (error.exitCode === DONE) return DONE
    // Commander has said it already, unless it was to be JSON.
    return asJson ? reportFailure(terminal, new UsageError(error.message.replace(/^error: /, '')), asJson) : USAGE
  }
}

/** The first word that is no option; behind `help`, the one after it. */
function calledCommand(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith('-'))
  return words[0] === 'help' ? words[1] : words[0]
}

process.exitCode = await main(process.argv.slice(2))
