import type { Command } from 'commander'
import { settingsHelp } from '../../../src/config/document.ts'
import { describeConfig, type ShownSetting } from '../../../src/config/load.ts'
import { DONE, type ExitCode } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { loadSettings } from '../../settings.ts'
import { operator } from '../../shared/operator.ts'
import type { Changed, SharedChange } from '../../shared/shared-settings.ts'
import { painted, print, printJson, say, type Terminal } from '../../terminal/terminal.ts'
import { UsageError } from '../../usage-error.ts'

const ACTIONS = ['shared', 'set', 'unset'] as const

interface ConfigFlags extends opt.CommandFlags {
  readonly by?: string
  readonly reason?: string
  readonly ifVersion?: number
}

export const examples = [
  'config',
  'config --json --config staging.config.json',
  'config shared',
  'config set WARMING_MAX_PAIRS=4 LOOK_AHEAD=off --reason "less while the market opens"',
  'config unset LOOK_AHEAD',
]

export function define(command: Command): Command {
  return command
    .description(
      'Prints every setting with its value and where the value comes from. Secrets are masked. `shared` adds what is set over Kafka for all nodes of the service; `set` and `unset` change that while the nodes run.',
    )
    .argument('[action]', `${ACTIONS.join(', ')}; without one, nothing is asked of Kafka`, opt.oneOf(ACTIONS))
    .argument('[setting...]', 'with set: NAME=VALUE, several; with unset: NAME, several')
    .option('--by <name>', 'with set and unset: who does it (default: user and host)')
    .option('--reason <text>', 'with set and unset: why')
    .option(
      '--if-version <n>',
      'with set and unset: only if this version is in force, as shared shows it',
      opt.wholeNumber,
    )
    .addOption(opt.configOption())
    .addHelpText('afterAll', `\nSettings:\n\n${settingsHelp()}`)
}

export async function start(
  terminal: Terminal,
  action: (typeof ACTIONS)[number] | undefined,
  given: readonly string[],
  flags: ConfigFlags,
): Promise<ExitCode> {
  if (action === undefined || action === 'shared') {
    opt.refuseGiven(opt.pick(flags, ['by', 'reason', 'ifVersion']), 'set and unset')
    if (given.length > 0) throw new UsageError('settings go with set and unset')
  }
  const change = action === 'set' || action === 'unset' ? changeOf(action, given, flags) : undefined
  const loaded = loadSettings(terminal, flags)
  if (action === undefined) return printSettings(terminal, describeConfig(loaded), flags)
  const [{ lendKafka }, { changeShared, sharedSettings }] = await Promise.all([
    import('../../kafka.ts'),
    import('../../shared/shared-settings.ts'),
  ])
  if (change === undefined) {
    const shared = await lendKafka(terminal, loaded.config, (broker) => sharedSettings(broker, loaded))
    say(
      terminal,
      shared.version === 0 ? 'nothing is set for all nodes' : `version ${shared.version} is set for all nodes`,
    )
    if (shared.trouble !== undefined) say(terminal, shared.trouble)
    return printSettings(terminal, shared.settings, flags)
  }
  return printChange(
    terminal,
    await lendKafka(terminal, loaded.config, (broker) => changeShared(broker, loaded, change)),
    flags,
  )
}

function changeOf(action: 'set' | 'unset', given: readonly string[], flags: ConfigFlags): SharedChange {
  if (given.length === 0)
    throw new UsageError(`config ${action}: expected ${action === 'set' ? 'NAME=VALUE' : 'NAME'}, several if need be`)
  const wrong = given.filter((each) => /^[A-Z0-9_]+=/.test(each) !== (action === 'set'))
  if (wrong.length > 0)
    throw new UsageError(
      `config ${action}: expected ${action === 'set' ? 'NAME=VALUE' : 'NAME'}, got ${wrong.join(', ')}`,
    )
  const pairs = given.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)] as const)
  const { by = operator(), ifVersion: base } = flags
  return {
    ...(action === 'set' ? { set: Object.fromEntries(pairs), unset: [] } : { set: {}, unset: given }),
    ...{ by, ...opt.pick(flags, ['reason']), ...(base !== undefined && { base }) },
  }
}

function printSettings(terminal: Terminal, rows: readonly ShownSetting[], flags: ConfigFlags): ExitCode {
  if (flags.json === true) {
    printJson(terminal, rows)
    return DONE
  }
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, value, origin } of rows) {
    const from = origin === 'default' ? painted(terminal.stdout, 'dim', origin) : origin
    print(terminal, `${name.padEnd(width)}  ${value === '' ? '-' : value}  (${from})`)
  }
  return DONE
}

/** What a node has that has the same settings of its own as this command. */
function printChange(terminal: Terminal, { before, after }: Changed, flags: ConfigFlags): ExitCode {
  const changed = after.settings.flatMap((now, at) => {
    const was = before.settings[at]
    return was === undefined || (was.value === now.value && was.origin === now.origin) ? [] : [{ was, now }]
  })
  const { service, version, set } = after
  if (flags.json === true) {
    const changes = changed.map(({ was, now }) => ({ name: now.name, before: was.value, after: now.value }))
    printJson(terminal, { service, version, set, changes })
    return DONE
  }
  const words = ({ value, origin }: ShownSetting) => `${value === '' ? '-' : value} (${origin})`
  for (const { was, now } of changed) print(terminal, `${now.name}: ${words(was)} → ${words(now)}`)
  print(terminal, `version ${version} is in force for all nodes of service ${service}`)
  return DONE
}
