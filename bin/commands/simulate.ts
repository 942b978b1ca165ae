import type { Command } from 'commander'
import { POLICY_NAMES, type PolicyName } from '../../src/simulate/policies.ts'
import type { SimulationRow } from '../../src/simulate/simulation-row.ts'
import { WARMING_NAMES, type WarmingName } from '../../src/simulate/warmings.ts'
import type { RunCommand } from '../command-module.ts'
import { DONE, type ExitCode, INTERRUPTED } from '../exit-code.ts'
import * as opt from '../options.ts'
import { bar, showLine } from '../progress-line.ts'
import { simulationHeading, simulationText } from '../simulation-text.ts'
import { print, printJson, type Terminal } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'

interface SimulateFlags {
  readonly accesses?: string
  readonly capacity?: readonly number[]
  readonly slots?: readonly number[]
  readonly policy?: readonly PolicyName[]
  readonly warming?: readonly WarmingName[]
  readonly seed: number
  readonly json?: boolean
}

const CAPACITY = [0.01, 0.05, 0.1, 0.2]
const POLICY: readonly PolicyName[] = ['forewarm']
const WARMING: readonly WarmingName[] = ['none', 'forewarm']

export function define(command: Command, run: RunCommand): void {
  command
    .description('Runs policies and warmings on recorded traffic: what would be hit, with a row for each combination.')
    .optionsGroup('On what:')
    .option('--accesses <file>', 'keys in the order of their accesses, one a line, .gz or not')
    .optionsGroup('What:')
    .option('--capacity <list>', `slots as shares of the distinct keys (default: ${CAPACITY})`, opt.positiveNumbers)
    .option('--slots <list>', 'numbers of slots instead', opt.numbers)
    .option('--policy <list>', `${POLICY_NAMES.join(', ')} (default: ${POLICY})`, opt.someOf(POLICY_NAMES))
    .option('--warming <list>', `${WARMING_NAMES.join(', ')} (default: ${WARMING})`, opt.someOf(WARMING_NAMES))
    .option('--seed <n>', 'of random warms', opt.wholeNumber, 1)
    .addOption(opt.jsonOption())
    .action((flags: SimulateFlags) => run((terminal) => start(terminal, flags)))
  opt.examples(command, [
    'simulate --accesses keys.txt.gz --capacity 0.01,0.05 --policy lru,forewarm',
    'simulate --accesses keys.txt --slots 1000 --warming none,random,forewarm,oracle --json',
  ])
}

async function start(terminal: Terminal, flags: SimulateFlags): Promise<ExitCode> {
  if (flags.accesses === undefined) throw new UsageError('on what? give --accesses')
  if (flags.capacity !== undefined && flags.slots !== undefined)
    throw new UsageError('--capacity and --slots both say how many slots: give one of them')
  const [{ readAccesses }, { accessCombinations, accessWorkload, simulate, sizesOf }] = await Promise.all([
    import('../../src/simulate/access-trace.ts'),
    import('../../src/simulate/simulate.ts'),
  ])
  const trace = await readAccesses(flags.accesses)
  const { slots, capacity = CAPACITY, policy = POLICY, warming = WARMING } = flags
  const sizes = sizesOf(trace.keys, slots === undefined ? { capacity } : { slots })
  const combinations = accessCombinations({ sizes, policies: policy, warmings: warming })
  let fraction = 0
  const options = {
    signal: terminal.signal,
    onProgress: (done: number) => {
      fraction = done
    },
  }
  const stopProgress = showLine(terminal, () => `simulate ${bar(fraction)} ${Math.floor(fraction * 100)} %`)
  try {
    return await show(terminal, flags, simulate(accessWorkload(trace, flags.seed), combinations, options))
  } finally {
    stopProgress()
  }
}

/** Rows as they come. */
async function show(
  terminal: Terminal,
  { json }: SimulateFlags,
  rows: AsyncIterable<SimulationRow>,
): Promise<ExitCode> {
  if (json !== true) print(terminal, simulationHeading())
  try {
    for await (const row of rows) {
      if (json === true) printJson(terminal, row)
      else print(terminal, simulationText(row))
    }
  } catch (error) {
    if (terminal.signal.aborted) return INTERRUPTED
    throw error
  }
  return DONE
}
