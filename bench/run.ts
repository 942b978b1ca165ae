import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { StackError } from '../deploy/stack/stack-error.ts'
import { detect } from './cases/detect/detect.ts'
import { footprint } from './cases/footprint.ts'
import { formats } from './cases/formats/formats.ts'
import { history } from './cases/history.ts'
import { http } from './cases/http/http.ts'
import { interrupt } from './cases/interrupt.ts'
import { l1 } from './cases/l1.ts'
import { l2, promote } from './cases/l2.ts'
import { latency } from './cases/latency.ts'
import { library } from './cases/library/library.ts'
import { nodes } from './cases/nodes.ts'
import { pipeline } from './cases/pipeline.ts'
import { plantedPairs } from './cases/planted.ts'
import { produce } from './cases/produce.ts'
import { rebalance } from './cases/rebalance.ts'
import { restart } from './cases/restart/restart.ts'
import { rollout } from './cases/rollout/rollout.ts'
import { scaling } from './cases/scaling/scaling.ts'
import { shutdown } from './cases/shutdown.ts'
import { simulate } from './cases/simulate.ts'
import { soak } from './cases/soak.ts'
import { telemetry } from './cases/telemetry/telemetry.ts'
import { tracker } from './cases/tracker.ts'
import floors from './floors.json' with { type: 'json' }
import { benchPairs, commitOf, differing, layOut } from './harness/against.ts'
import type { Bench } from './harness/bench.ts'
import { type BenchPair, comparisonsOf, comparisonTable, FEWEST_PAIRS } from './harness/comparison.ts'
import { machineFacts } from './harness/machine.ts'
import { type Bounds, boundsOfNothing, isMissed, type Row, rowOf } from './harness/row.ts'
import { tableOf } from './harness/table.ts'
import { Stage } from './stages/stage.ts'
import { DATASETS } from './traffic/datasets.ts'

/** `npm run bench -- <name…>`; docs/benchmarks.md says what each measures and what it does not. */
const BENCHES: readonly Bench[] = [
  pipeline,
  formats,
  footprint,
  produce,
  latency,
  library,
  l1,
  l2,
  promote,
  tracker,
  plantedPairs,
  history,
  simulate,
  detect,
  rollout,
  shutdown,
  rebalance,
  nodes,
  scaling,
  interrupt,
  restart,
  http,
  telemetry,
  soak,
]

const BOUNDS: Bounds = floors

const USAGE = `Usage: npm run bench -- <name…> [--json] [--quick] [--check] [--against REF [--pairs N]]

  --json         a JSON object a line instead of tables
  --quick        less input, at most 30 s a name; not checked
  --check        exit with 1 if a floor or limit of bench/floors.json is missed; with --against, if a case is worse
  --against REF  compare the work tree with commit REF and print ratio and 95 % interval for each case
  --pairs N      how many turns, at least ${FEWEST_PAIRS}

Names: ${BENCHES.map(({ name }) => name).join(', ')}`

const FAILED = 1
const MISUSED = 2
const EXIT_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const

interface Invocation {
  readonly benches: readonly Bench[]
  readonly json: boolean
  readonly quick: boolean
  readonly check: boolean
  /** The commit's id. */
  readonly against: string | undefined
  readonly pairs: number | undefined
}

/** The invocation, or what is wrong with it, or `help`. */
function parse(args: readonly string[]): Invocation | string {
  const flag = { type: 'boolean', default: false } as const
  const text = { type: 'string' } as const
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: flag, quick: flag, check: flag, help: flag, against: text, pairs: text },
      allowPositionals: true,
    })
    if (values.help) return 'help'
    const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name))
    if (unknown.length > 0) return `No benchmark is called ${unknown.join(', ')}.`
    if (positionals.length === 0) return 'Which benchmark?'
    const against = values.against === undefined ? undefined : commitOf(values.against)
    if (against === undefined && values.against !== undefined) return `No commit is called ${values.against}.`
    const pairs = values.pairs === undefined ? undefined : Number(values.pairs)
    if (pairs !== undefined && !(against !== undefined && Number.isInteger(pairs) && pairs >= FEWEST_PAIRS))
      return `--pairs goes with --against and takes a whole number from ${FEWEST_PAIRS} on.`
    return {
      ...values,
      ...{ against, pairs },
      benches: [...new Set(positionals)].flatMap((name) => BENCHES.filter((bench) => bench.name === name)),
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Gives what missed its bound. */
async function run({ benches, json, quick }: Invocation, stage: Stage): Promise<readonly string[]> {
  const missed: string[] = []
  for (const bench of benches) {
    const rows: Row[] = []
    const bounds = BOUNDS[bench.name] ?? {}
    for await (const figure of bench.cases(stage)) {
      const row = rowOf(bench.name, figure, bounds[figure.case])
      rows.push(row)
      if (json) console.log(JSON.stringify(row))
    }
    if (!json) console.log(tableOf(bench.name, rows, { isHeld: !quick }))
    // A quick run may leave cases out.
    const idle = quick ? [] : boundsOfNothing(bounds, rows)
    if (idle.length > 0) throw new Error(`floors.json: ${bench.name} has no case ${idle.join(', ')}`)
    missed.push(...rows.filter(isMissed).map((row) => `missed: ${bench.name}, ${row.case}`))
    await stage.clear()
  }
  return missed
}

/** Gives the cases that are worse than at the commit. */
async function compare(commit: string, invocation: Invocation, stage: Stage): Promise<readonly string[]> {
  const { benches, json, quick, pairs } = invocation
  const trees = layOut(commit)
  const changed = differing(trees)
  if (changed.length > 0)
    console.error(`Changed in bench/: ${changed.join(', ')}. Where the work is not the same, the figures mean nothing.`)
  const worse: string[] = []
  for (const { name } of benches) {
    const measured: BenchPair[] = []
    const options = { name, quick, pairs, stack: () => stage.backends(), report: console.error }
    for await (const pair of benchPairs(trees, options)) measured.push(pair)
    const rows = comparisonsOf(name, measured, BOUNDS[name] ?? {})
    if (json) for (const row of rows) console.log(JSON.stringify(row))
    else console.log(comparisonTable(`${name}, ${measured.length} pairs, REF ${commit.slice(0, 7)}`, rows))
    worse.push(...rows.flatMap((row) => (row.verdict === 'worse' ? `worse: ${name}, ${row.case}` : [])))
  }
  return worse
}

async function main(args: readonly string[]): Promise<number> {
  const invocation = parse(args)
  if (invocation === 'help') {
    console.log(USAGE)
    return 0
  }
  if (typeof invocation === 'string') {
    console.error(`${invocation}\n\n${USAGE}`)
    return MISUSED
  }
  if (invocation.benches.some(({ readsDatasets }) => readsDatasets) && !existsSync(DATASETS)) {
    console.error(`No folder ${DATASETS}: set FOREWARM_DATASETS to the folder of the recorded data.`)
    return FAILED
  }
  const stage = new Stage(invocation)
  let interrupted: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = EXIT_OF_SIGNAL[signal]
      // The running measurement fails with the stack; nobody waits for it.
      void stage.close().finally(() => process.exit(interrupted))
    })
  }
  try {
    console.error(machineFacts())
    const { against, check, quick } = invocation
    const failed = await (against === undefined ? run(invocation, stage) : compare(against, invocation, stage))
    if (!check || quick) return 0
    for (const line of failed) console.error(line)
    return failed.length > 0 ? FAILED : 0
  } catch (error) {
    if (interrupted !== undefined) return interrupted
    if (!(error instanceof StackError)) throw error
    console.error(error.message)
    return FAILED
  } finally {
    await stage.close()
  }
}

process.exitCode = await main(process.argv.slice(2))
