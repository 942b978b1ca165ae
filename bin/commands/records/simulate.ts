import { accessSync, constants, type Stats, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { assertMayWriteFile } from '../../../src/replay/recording/new-file.ts'
import { ReplayError } from '../../../src/replay/replay-error.ts'
import { POLICY_NAMES } from '../../../src/simulate/policies/policies.ts'
import type { Combination, SimulationRow } from '../../../src/simulate/row.ts'
import type { Sample } from '../../../src/simulate/simulate.ts'
import { WARMING_NAMES } from '../../../src/simulate/warmings/warmings.ts'
import { LOOK_AHEAD_MODES } from '../../../src/strategy/named.ts'
import { BadLines, SKIP_BAD } from '../../bad-lines.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { DEFAULTS, READ_MODELS, type SimulationFlags } from '../../options/simulation.ts'
import { bar, showLine } from '../../terminal/progress-line.ts'
import { type TerminalTable, type TrafficKind, terminalTable } from '../../terminal/simulation-text.ts'
import { figuresJson, print, say, type Terminal, wrapped } from '../../terminal/terminal.ts'
import { verdicts } from '../../terminal/verdict.ts'
import { UsageError } from '../../usage-error.ts'

interface SimulateFlags extends SimulationFlags {
  readonly skipBad?: boolean
  readonly force?: boolean
  readonly json?: boolean
}

export const examples = [
  'simulate --accesses keys.txt.gz --capacity 0.01,0.05 --policy lru,forewarm',
  'simulate --accesses keys.txt --slots 1000 --warming none,random,forewarm,oracle --json',
  'simulate --prices recorded.ndjson.gz --look-ahead off,overlap,await --report saved.html',
  'simulate --prices day.ndjson.gz --events day.events.csv.gz --delay-ms 0,50 --look-ahead off,await',
]

export function define(command: Command): Command {
  return command
    .description('Compares hit ratios of cache policies and warmings on recorded traffic, a row for each combination.')
    .optionsGroup('Traffic (give --accesses or --prices):')
    .option('--accesses <file>', 'keys in the order in which they were read, one a line; .gz or not')
    .option('--prices <file>', 'price updates, a recording or NDJSON; .gz or not')
    .option(
      '--events <file>',
      'CSV pair,event; .gz or not: pairs of one event are read together (default: pairs of one group)',
    )
    .optionsGroup('What to compare:')
    .option('--capacity <list>', withDefault('slots, as shares of all keys or pairs', 'capacity'), shares)
    .option('--slots <list>', 'slots, as numbers instead', opt.numbers)
    .option('--policy <list>', withDefault(POLICY_NAMES, 'policy'), opt.someOf(POLICY_NAMES))
    .option('--warming <list>', withDefault(WARMING_NAMES, 'warming'), opt.someOf(WARMING_NAMES))
    .option('--seed <n>', 'seed of the random warming', opt.wholeNumber, 1)
    .option('--report <file>', 'also write an HTML page: hit ratios by capacity and over time, beside an oracle')
    .option('--force', 'replace the report if it exists')
    .optionsGroup('With --prices:')
    .option(
      '--topic <topic>',
      'the lines of the file are records of this topic, read as it is (default: price updates)',
    )
    .option('--read-model <name>', 'siblings: an update makes a detector read its event', opt.oneOf(READ_MODELS))
    .option('--strategy <file>', 'a module that exports a strategy of your own, which gets the rows `own`')
    .option('--max-reads <n>', withDefault('at most this many reads after an update', 'maxReads'), opt.count)
    .option('--delay-ms <list>', withDefault('milliseconds from an update to its reads', 'delayMs'), times)
    .option('--spacing-us <n>', withDefault('microseconds between updates of one time', 'spacingUs'), opt.microseconds)
    .option('--warm-ms <n>', withDefault('milliseconds that a warm takes', 'warmMs'), opt.milliseconds)
    .option('--look-ahead <list>', withDefault(LOOK_AHEAD_MODES, 'lookAhead'), opt.someOf(LOOK_AHEAD_MODES))
    .option('--attribution <list>', withDefault('on, off: reads are attributed to updates', 'attribution'), onOrOff)
    .optionsGroup('Options:')
    .option(...SKIP_BAD)
    .addOption(opt.formatsOption())
    .addOption(opt.configOption())
}

const shares = opt.listOf(opt.positiveNumber)
const times = opt.listOf(opt.milliseconds)
const onOrOff = opt.someOf(['on', 'off'])

function withDefault(what: string | readonly string[], flag: keyof typeof DEFAULTS): string {
  return `${typeof what === 'string' ? what : `some of ${what.join(', ')}`} (default: ${DEFAULTS[flag]})`
}

export async function start(terminal: Terminal, flags: SimulateFlags): Promise<ExitCode> {
  const [{ simulationInput }, { simulate }] = await Promise.all([
    import('../../simulation-input.ts'),
    import('../../../src/simulate/simulate.ts'),
  ])
  if (flags.report === undefined) opt.refuseGiven({ force: flags.force }, '--report')
  else refuseUnwritable(flags.report, flags)
  const badLines = new BadLines(terminal, flags)
  const input = await unlessInterrupted(terminal, simulationInput(terminal, flags, badLines.onBadLine))
  if (input === undefined) return INTERRUPTED
  badLines.tell()
  const { workload, combinations, caution } = input
  let fraction = 0
  const samples = new Map(combinations.map((combination) => [combination, [] as Sample[]]))
  const options = {
    signal: terminal.signal,
    onProgress: (done: number) => {
      fraction = done
    },
    onSample: (combination: Combination, sample: Sample) => samples.get(combination)?.push(sample),
  }
  const stopProgress = showLine(terminal, () => `simulate ${bar(fraction)} ${Math.floor(fraction * 100)} %`)
  const table = flags.json === true ? undefined : terminalTable(combinations, trafficKind(flags))
  if (table?.inAllRows !== undefined) say(terminal, table.inAllRows)
  // Beside the figures that it is about; rows of JSON are for programs, so it goes to standard error there.
  if (caution !== undefined) (table === undefined ? say : print)(terminal, caution)
  const running = show(terminal, table, simulate(workload, combinations, options))
  const rows = await unlessInterrupted(terminal, running).finally(stopProgress)
  if (rows === undefined) return INTERRUPTED
  if (table !== undefined) for (const line of verdicts(rows, trafficKind(flags))) print(terminal, wrapped(line))
  await writeReport(terminal, flags, { rows, samples: [...samples.values()], caution })
  return badLines.skipped > 0 || input.hasUnreadable ? FAILED : DONE
}

/** The result of the work; undefined if Ctrl-C ended it. */
async function unlessInterrupted<T>({ signal }: Terminal, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

/** Prints each row as it comes, as JSON without a table. Resolves to all rows. */
async function show(
  terminal: Terminal,
  table: TerminalTable | undefined,
  rows: AsyncIterable<SimulationRow>,
): Promise<readonly SimulationRow[]> {
  if (table !== undefined) print(terminal, table.headings)
  const all: SimulationRow[] = []
  for await (const row of rows) {
    all.push(row)
    if (table === undefined) print(terminal, figuresJson(row))
    else print(terminal, table.lineOf(row))
  }
  return all
}

/** Throws a UsageError before the simulation, rather than after minutes of it. */
function refuseUnwritable(file: string, { accesses, prices, events, force = false }: SimulateFlags): void {
  try {
    const there = statSync(file, { throwIfNoEntry: false })
    if (there !== undefined && [accesses, prices, events].some((input) => input !== undefined && isSame(input, there)))
      throw new UsageError(`--report: ${file} is an input of the simulation and would be overwritten`)
    assertMayWriteFile(file, force)
    accessSync(there === undefined ? `${dirname(file)}/` : file, constants.W_OK)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`--report: ${error instanceof ReplayError ? error.message : `${file} cannot be written`}`)
  }
}

function isSame(input: string, there: Stats): boolean {
  const found = statSync(input, { throwIfNoEntry: false })
  return found?.ino === there.ino && found.dev === there.dev
}

interface Outcomes {
  readonly rows: readonly SimulationRow[]
  readonly samples: readonly (readonly Sample[])[]
  readonly caution: string | undefined
}

async function writeReport(
  terminal: Terminal,
  { report, force, ...flags }: SimulateFlags,
  { rows, samples, caution }: Outcomes,
): Promise<void> {
  if (report === undefined) return
  const { simulationReport } = await import('../../report/report.ts')
  const simulated = rows.map((row, at) => ({ row, samples: samples[at] ?? [] }))
  // A file that somebody put there meanwhile is not replaced.
  await writeFile(report, simulationReport(simulated, trafficKind(flags), caution), { flag: force ? 'w' : 'wx' })
  say(terminal, `wrote ${report}`)
}

function trafficKind({ prices }: Pick<SimulateFlags, 'prices'>): TrafficKind {
  return prices === undefined ? 'accesses' : 'prices'
}
