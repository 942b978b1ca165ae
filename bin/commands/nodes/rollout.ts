import { Argument, type Command } from 'commander'
import { ROLLOUT_MODES, type RolloutMode } from '../../../schemas/control/rollout-modes.ts'
import type { RolloutOutcome } from '../../../src/rollout/rollout-change.ts'
import type { RolloutChange } from '../../../src/rollout/rollout-value.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { operator } from '../../shared/operator.ts'
import { print, printJson, say, type Terminal } from '../../terminal/terminal.ts'
import { UsageError } from '../../usage-error.ts'

const ACTIONS = ['status', 'set', 'kill'] as const
type Action = (typeof ACTIONS)[number]

interface RolloutFlags extends opt.CommandFlags {
  readonly chains?: readonly string[]
  readonly percent?: number
  readonly control?: number
  readonly reason?: string
  readonly by?: string
  readonly ifVersion?: number
  readonly liftKill?: boolean
}

export const examples = [
  'rollout status',
  'rollout set canary --percent 5 --chains ethereum --reason "first day"',
  'rollout set full',
  'rollout kill --reason "misses since 14:02"',
  'rollout set canary --percent 5 --lift-kill',
]

export function define(command: Command): Command {
  return command
    .description(
      'Shows and sets how much the nodes of a service warm by themselves, over Kafka: each node follows within a second. status: what is set, by whom and why; set: a mode, and what else is given; kill: nothing is warmed any more, until it is lifted.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(ACTIONS))
    .addArgument(new Argument('[mode]', 'with set: how much is warmed').choices(ROLLOUT_MODES))
    .option('--chains <chains>', 'only updates of these chains warm, separated by commas; all: every chain', opt.list)
    .option('--percent <percent>', 'with canary: the percentage of the pairs whose updates warm', opt.percentage)
    .option('--control <share>', 'the share of the updates that warm nothing, for comparison, from 0 to 0.5', opt.share)
    .option('--lift-kill', 'warm again after a kill')
    .option('--reason <text>', 'why; it is kept')
    .option('--by <name>', 'who; it is kept (default: user and host)')
    .option('--if-version <n>', 'only if this version is in force, as status shows it', opt.wholeNumber)
    .addOption(opt.configOption())
}

export async function start(
  terminal: Terminal,
  action: Action,
  mode: RolloutMode | undefined,
  flags: RolloutFlags,
): Promise<ExitCode> {
  const change = changeOf(action, mode, flags)
  const [{ withKafka }, { withControl }, rollouts, { configuredRollout }, { wholeRollout }, { passedOver }] =
    await Promise.all([
      import('../../kafka.ts'),
      import('../../shared/with-control.ts'),
      import('../../../src/rollout/rollout-change.ts'),
      import('../../../node/rollout/rollout-parts.ts'),
      import('../../../src/rollout/rollout-value.ts'),
      import('../../../node/control/passed-over.ts'),
    ])
  const { ROLLOUT_SETTING, changeRollout, killRollout, versionOf } = rollouts
  const checked = (value: Readonly<Record<string, unknown>>) => {
    const whole = wholeRollout(value)
    return typeof whole === 'string' ? whole : undefined
  }
  const author = { by: flags.by ?? operator(), ...opt.pick(flags, ['reason']) }
  const { ifVersion: base } = flags
  return withKafka(terminal, flags, async (broker, config) => {
    const configured = configuredRollout(config)
    const { service } = config.node
    let trouble: string | undefined
    const outcome = await withControl(broker, config, {
      settings: { [ROLLOUT_SETTING]: checked },
      signal: terminal.signal,
      body: async (control): Promise<RolloutOutcome> => {
        trouble = action === 'status' ? passedOver(control) : undefined
        if (action === 'status')
          return { status: 'set', rollout: versionOf(control.current(ROLLOUT_SETTING), configured) }
        if (action === 'kill') return killRollout(control, configured, author)
        return changeRollout(control, { configured, of: change }, { ...author, ...(base !== undefined && { base }) })
      },
    })
    if (terminal.signal.aborted) return INTERRUPTED
    return told(terminal, { outcome, service, trouble, json: flags.json === true })
  })
}

/** Throws a UsageError for what does not go together. */
function changeOf(action: Action, mode: RolloutMode | undefined, flags: RolloutFlags): RolloutChange {
  const { chains, percent, control, liftKill, ifVersion, reason, by } = flags
  if (action !== 'set') {
    if (mode !== undefined) throw new UsageError(`rollout ${action}: expected no mode`)
    opt.refuseGiven({ chains, percent, control, liftKill, ifVersion }, 'rollout set')
    if (action === 'status') opt.refuseGiven({ reason, by }, 'rollout set and rollout kill')
    return {}
  }
  if (mode === undefined) throw new UsageError(`rollout set: expected a mode: ${ROLLOUT_MODES.join(', ')}`)
  if (percent !== undefined && mode !== 'canary') throw new UsageError(`--percent goes with rollout set canary`)
  return {
    mode,
    ...(chains !== undefined && { chains: chains.includes('all') ? 'all' : chains }),
    ...(percent !== undefined && { percent }),
    ...(control !== undefined && { controlShare: control }),
    ...(liftKill === true && { killed: false }),
  }
}

interface Told {
  readonly outcome: RolloutOutcome
  readonly service: string
  /** What was set and could not be taken. */
  readonly trouble: string | undefined
  readonly json: boolean
}

async function told(terminal: Terminal, { outcome, service, trouble, json }: Told): Promise<ExitCode> {
  const { rolloutText } = await import('../../terminal/rollout-text.ts')
  if (trouble !== undefined) say(terminal, trouble)
  if (json) printJson(terminal, { service, ...(outcome.status === 'set' ? { ...outcome.rollout, trouble } : outcome) })
  switch (outcome.status) {
    case 'set':
      if (!json) for (const line of rolloutText(service, outcome.rollout)) print(terminal, line)
      if (outcome.rollout.killed && !json) say(terminal, 'to warm again: forewarm rollout set MODE --lift-kill')
      return DONE
    case 'lost':
      if (!json) {
        say(terminal, 'not set: another operator was faster, and this is in force:')
        for (const line of rolloutText(service, outcome.winner)) say(terminal, line)
      }
      return FAILED
    case 'refused':
      if (!json) for (const { detail } of outcome.problems) say(terminal, `not set: ${detail}`)
      return FAILED
    case 'failed':
      if (!json) say(terminal, `not set: ${outcome.reason}`)
      return FAILED
  }
}
