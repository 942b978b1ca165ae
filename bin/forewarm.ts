#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { mostAlike } from '../src/nearest.ts'
import { VERSION } from '../src/version.ts'
import type { CommandModule } from './command-module.ts'
import { DONE, type ExitCode, USAGE } from './exit-code.ts'
import { reportFailure } from './failure.ts'
import { interruptible } from './interruption.ts'
import { tellEarlyExit } from './terminal/early-exit.ts'
import { goOnWithoutReader, leaveQuietlyOnBrokenPipe, type Terminal } from './terminal/terminal.ts'
import { UsageError } from './usage-error.ts'

interface CommandEntry {
  readonly name: string
  readonly summary: string
  load(): Promise<CommandModule>
}

/** Only the called one is loaded: Kafka, Redis and telemetry take longer to load than most commands take to run. */
const COMMANDS: readonly CommandEntry[] = [
  { name: 'dev', summary: 'try the pipeline on a simulated market', load: () => import('./commands/dev-command.ts') },
  { name: 'run', summary: 'run a node against Kafka and Redis', load: () => import('./commands/nodes/run.ts') },
  {
    name: 'warm',
    summary: 'ask running nodes to load pairs into L1',
    load: () => import('./commands/nodes/warm.ts'),
  },
  { name: 'get', summary: 'ask a running node for a price', load: () => import('./commands/nodes/get.ts') },
  { name: 'top', summary: 'show live what a running node does', load: () => import('./commands/nodes/top.ts') },
  {
    name: 'replay',
    summary: 'send records again, to topics or to a node',
    load: () => import('./commands/records/replay.ts'),
  },
  { name: 'record', summary: 'record topics into a file', load: () => import('./commands/records/record.ts') },
  { name: 'tail', summary: 'print the records of topics', load: () => import('./commands/records/tail.ts') },
  {
    name: 'produce',
    summary: 'write price updates of a file to a topic',
    load: () => import('./commands/records/produce.ts'),
  },
  {
    name: 'simulate',
    summary: 'compare warmings on recorded traffic',
    load: () => import('./commands/records/simulate.ts'),
  },
  {
    name: 'format',
    summary: 'show how the records of a topic are read',
    load: () => import('./commands/records/format.ts'),
  },
  {
    name: 'topics',
    summary: 'create the topics that Forewarm needs',
    load: () => import('./commands/nodes/topics.ts'),
  },
  { name: 'rollout', summary: 'show and set how much is warmed', load: () => import('./commands/nodes/rollout.ts') },
  {
    name: 'schedules',
    summary: 'show and run what is warmed at set times',
    load: () => import('./commands/nodes/schedules.ts'),
  },
  { name: 'config', summary: 'print every setting and its origin', load: () => import('./commands/nodes/config.ts') },
]

const EXAMPLES = `
Examples:
  $ forewarm dev
  $ forewarm warm WETH/USDC --chain ethereum --wait
  $ forewarm replay prices.ethereum --to-prefix test. --speed 10
  $ forewarm replay --help

Exit codes: 0 done, 1 failed, 2 wrong usage, 70 the event loop stood still (WATCHDOG_MS), 130 interrupted.`

async function main(argv: readonly string[]): Promise<void> {
  const terminal: Terminal = { stdout: process.stdout, stderr: process.stderr, signal: interruptible() }
  leaveQuietlyOnBrokenPipe(terminal)
  goOnWithoutReader(process.stderr)
  const asJson = argv.includes('--json')
  const end = tellEarlyExit(calledCommand(argv) ?? '', (error) => reportFailure(terminal, error, asJson))
  const exitCode = await run(argv, terminal, asJson)
  process.exitCode = exitCode
  end(exitCode)
}

async function run(argv: readonly string[], terminal: Terminal, asJson: boolean): Promise<ExitCode> {
  const program = new Command('forewarm')
    .description('Keeps the prices of a Kafka stream in Redis, and those about to be read in shared memory.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => (asJson ? undefined : write(withHint(text))) })
    .addHelpText('after', EXAMPLES)
  const withHint = (text: string) => hinted(text, program, calledCommand(argv))
  let exitCode: ExitCode = DONE
  try {
    const called = calledCommand(argv)
    for (const { name, summary, load } of COMMANDS) {
      const command = program.command(name).summary(summary).description(summary)
      if (name !== called) continue
      const { define, examples, start } = await load()
      define(command)
        .option('--json', 'print JSON instead of text')
        .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ forewarm ${line}`).join('\n')}`)
        .action(async (...given) => {
          exitCode = await start(terminal, ...given)
        })
    }
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(terminal, error, asJson)
    if (error.exitCode === DONE) return DONE
    // Commander has printed the error, except if it should be JSON.
    return asJson
      ? reportFailure(terminal, new UsageError(withHint(error.message.replace(/^error: /, '')).trimEnd()), asJson)
      : USAGE
  }
}

/** A message about an unknown command names the nearest ones, however far they are. Commander names only very near ones. */
function hinted(text: string, program: Command, called: string | undefined): string {
  const unknown = /unknown command '(.*)'$/.exec(text.trimEnd())?.[1]
  if (unknown === undefined) return text
  const above = program.commands.find((command) => command.name() === called && command.commands.length > 0) ?? program
  const nearest = mostAlike(
    unknown,
    above.commands.map((command) => command.name()),
    3,
  )
  const meant = nearest.length > 1 ? `one of ${nearest.join(', ')}` : nearest.join()
  return `${text.trimEnd()}\n(Did you mean ${meant}? forewarm --help lists all commands.)\n`
}

/** The first argument that is no option, or the one after it if it is `help`. */
function calledCommand(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith('-'))
  return words[0] === 'help' ? words[1] : words[0]
}

// Not awaited here: Node has a warning of its own for a module that never ends, and prints it after ours.
void main(process.argv.slice(2))
