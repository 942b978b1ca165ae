import { once } from 'node:events'
import { type Command, Option } from 'commander'
import { ROLES, type Role } from '../../../src/config/settings.ts'
import { DONE, type ExitCode, INTERRUPTED } from '../../exit-code.ts'
import { loadFormats } from '../../modules/formats-file.ts'
import { loadStrategy } from '../../modules/strategy-file.ts'
import * as opt from '../../options/options.ts'
import { say, type Terminal } from '../../terminal/terminal.ts'

interface RunFlags extends opt.FormatFlags {
  readonly roles?: readonly Role[]
  readonly detectors?: string
  readonly strategy?: string
  readonly start?: 'latest' | 'earliest'
}

export const examples = ['run', 'run --detectors ./detectors.ts', 'run --start earliest', 'run --roles correlate,api']

export function define(command: Command): Command {
  return command
    .description(
      'Runs a node until Ctrl-C, SIGTERM or SIGHUP. Its settings are listed by forewarm config --help. If its event loop stands still for WATCHDOG_MS, it ends with exit code 70.',
    )
    .option('--roles <list>', `what this node does, some of ${ROLES.join(', ')} (default: FOREWARM_ROLES)`, roles)
    .option('--detectors <file>', 'a module that exports detectors, or lists of them')
    .option('--strategy <file>', 'a module that exports a strategy of your own, in the place of WARMING_STRATEGY')
    .addOption(opt.formatsOption())
    .addOption(
      new Option('--start <where>', 'where a new group begins to read (default: KAFKA_START)').choices([
        'latest',
        'earliest',
      ]),
    )
    .addOption(opt.configOption())
}

export async function start(terminal: Terminal, flags: RunFlags): Promise<ExitCode> {
  const { signal } = terminal
  const { loadDetectors } = await import('../../modules/detectors-file.ts')
  const detectors = await loadDetectors(flags.detectors)
  const formats = await loadFormats(flags.formats)
  const strategy = await loadStrategy(flags.strategy)
  const { createNode } = await import('../../../index.ts')
  const node = await createNode({
    detectors,
    formats,
    ...(strategy !== undefined && { strategy }),
    ...(flags.roles !== undefined && { config: { node: { roles: flags.roles } } }),
    ...(flags.config !== undefined && { configFile: flags.config }),
    ...(flags.start !== undefined && { start: flags.start }),
  })
  const stopped = signal.aborted ? Promise.resolve() : once(signal, 'abort')
  try {
    await Promise.race([node.start(), stopped])
    if (!signal.aborted) {
      say(terminal, started(node.id, node.httpPort, flags.json === true))
      await stopped
    }
  } finally {
    await node.close()
  }
  // SIGTERM is the regular end of a service, and SIGHUP that of its terminal; Ctrl-C is an interruption.
  return signal.reason === 'SIGINT' ? INTERRUPTED : DONE
}

function started(node: string, httpPort: number | undefined, asJson: boolean): string {
  if (asJson) return JSON.stringify({ started: { node, httpPort } })
  return `node ${node} is running${httpPort === undefined ? '' : `, metrics and health on port ${httpPort}`}`
}

function roles(value: string, previous: readonly Role[] = []): readonly Role[] {
  return [...previous, ...opt.list(value).map(opt.oneOf(ROLES))]
}
