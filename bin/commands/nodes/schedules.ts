import { Argument, type Command } from 'commander'
import type { RunLog } from '../../../node/schedules/run-log.ts'
import type { ScheduleRun } from '../../../schemas/control/schedule-run.ts'
import type { LoadedConfig } from '../../../src/config/load.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { loadSettings } from '../../settings.ts'
import { operator } from '../../shared/operator.ts'
import type { ScheduleRow } from '../../terminal/schedules-text.ts'
import { print, printJson, say, type Terminal } from '../../terminal/terminal.ts'
import { UsageError } from '../../usage-error.ts'

const ACTIONS = ['list', 'run'] as const
type Action = (typeof ACTIONS)[number]

interface ScheduleFlags extends opt.CommandFlags {
  readonly by?: string
}

/** A leader that has just been elected reads first. */
const BEGIN_MS = 15_000

export const examples = ['schedules list', 'schedules list --json', 'schedules run popular time-of-day']

export function define(command: Command): Command {
  return command
    .description(
      'Shows what the nodes of a service warm at set times, when each schedule runs next and what its last run brought; and runs schedules now. Both go over Kafka, by the settings of this machine. The node that leads carries a run out, and the command waits for it.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(ACTIONS))
    .argument('[name...]', 'with run: the schedules')
    .option('--by <name>', 'with run: who asks; it is kept (default: user and host)')
    .addOption(opt.configOption())
}

export async function start(
  terminal: Terminal,
  action: Action,
  names: readonly string[],
  flags: ScheduleFlags,
): Promise<ExitCode> {
  if (action === 'list') {
    opt.refuseGiven(opt.pick(flags, ['by']), 'schedules run')
    if (names.length > 0) throw new UsageError('schedules list: expected no name')
  }
  const loaded = loadSettings(terminal, flags)
  if (action === 'run') assertNames(loaded, names)
  const { lendKafka } = await import('../../kafka.ts')
  return lendKafka(terminal, loaded.config, async (broker) => {
    const [{ withControl }, { RunLog }, { systemClock }] = await Promise.all([
      import('../../shared/with-control.ts'),
      import('../../../node/schedules/run-log.ts'),
      import('../../../src/clock.ts'),
    ])
    const log = new RunLog({ clock: systemClock, onRefused: () => undefined })
    return withControl(broker, loaded.config, {
      ...{ settings: {}, onOther: (setting, value) => log.read(setting, value), signal: terminal.signal },
      body: (control) => {
        log.over(control)
        return action === 'list' ? list(terminal, { loaded, log, flags }) : run(terminal, { names, log, flags, loaded })
      },
    })
  })
}

interface Asked {
  readonly loaded: LoadedConfig
  readonly log: RunLog
  readonly flags: ScheduleFlags
}

function assertNames({ schedules }: LoadedConfig, names: readonly string[]): void {
  const known = schedules.map(({ name }) => name)
  if (names.length === 0) throw new UsageError(`schedules run: expected a name: ${known.join(', ')}`)
  for (const name of names) {
    const schedule = schedules.find((each) => each.name === name)
    if (schedule === undefined)
      throw new UsageError(`schedules run: there is no schedule ${name}; there are ${known.join(', ')}`)
    if (!schedule.isEnabled) throw new UsageError(`schedules run: ${name} is switched off by the settings`)
  }
}

async function list(terminal: Terminal, { loaded: { schedules, config }, log, flags }: Asked): Promise<ExitCode> {
  const nowMs = Date.now()
  const rows = schedules.map(({ name, isEnabled: enabled, timing }): ScheduleRow => {
    const nextRunMs = enabled ? timing.next(nowMs) : undefined
    const last = lastOf(log, name)
    return { name, enabled, when: timing.words, ...(nextRunMs !== undefined && { nextRunMs }), ...(last && { last }) }
  })
  const { schedulesText } = await import('../../terminal/schedules-text.ts')
  if (flags.json === true) printJson(terminal, { service: config.node.service, schedules: rows })
  else for (const line of schedulesText(rows)) print(terminal, line)
  return DONE
}

function lastOf(log: RunLog, schedule: string): ScheduleRun | undefined {
  const runs = (['scheduled', 'asked'] as const).flatMap((kind) => log.last({ kind, schedule }) ?? [])
  return runs.toSorted((a, b) => b.scheduledMs - a.scheduledMs)[0]
}

async function run(
  terminal: Terminal,
  { names, log, flags, loaded: { config } }: Asked & { readonly names: readonly string[] },
): Promise<ExitCode> {
  const [{ askForRuns }, { runText }] = await Promise.all([
    import('../../shared/asked-runs.ts'),
    import('../../terminal/schedules-text.ts'),
  ])
  const by = flags.by ?? operator()
  const asked = { names: [...new Set(names)], by, scheduledMs: Date.now(), signal: terminal.signal, beginMs: BEGIN_MS }
  const runs = await askForRuns(log, asked)
  if (terminal.signal.aborted) return INTERRUPTED
  const { service } = config.node
  if (flags.json === true) printJson(terminal, { service, runs: runs.map(([name, ended]) => ({ name, ...ended })) })
  else for (const [name, ended] of runs) if (ended?.state === 'done') print(terminal, `${name}: ${runText(ended)}`)
  const waiting = runs.filter(([, ended]) => ended?.state !== 'done').map(([name]) => name)
  if (waiting.length === 0) return DONE
  say(terminal, `${waiting.join(', ')}: no node of service ${service} has begun it: one with the role warm has to run`)
  return FAILED
}
