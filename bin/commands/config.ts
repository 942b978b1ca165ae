import type { Command } from 'commander'
import { settingsHelp } from '../../src/config/document.ts'
import { describeConfig } from '../../src/config/load.ts'
import { DONE, type ExitCode } from '../exit-code.ts'
import * as opt from '../options/options.ts'
import { loadSettings } from '../settings.ts'
import { painted, print, printJson, type Terminal } from '../terminal/terminal.ts'

export const examples = ['config', 'config --json --config staging.config.json']

export function define(command: Command): Command {
  return command
    .description('Prints every setting with its value and where the value comes from. Secrets are masked.')
    .addOption(opt.configOption())
    .addHelpText('afterAll', `\nSettings:\n\n${settingsHelp()}`)
}

export async function start(terminal: Terminal, flags: opt.CommandFlags): Promise<ExitCode> {
  const rows = describeConfig(loadSettings(terminal, flags))
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
