import type { Command } from 'commander'
import { settingsHelp } from '../../src/config/document.ts'
import { describeConfig } from '../../src/config/load.ts'
import type { RunCommand } from '../command-module.ts'
import { DONE, type ExitCode } from '../exit-code.ts'
import * as opt from '../options/options.ts'
import { loadSettings } from '../settings.ts'
import { painted, print, printJson, type Terminal } from '../terminal/terminal.ts'

interface ConfigFlags {
  readonly json?: boolean
  readonly config?: string
}

export function define(command: Command, run: RunCommand): void {
  command
    .description('Prints every setting with its value and where the value comes from. Secrets are masked.')
    .addOption(opt.jsonOption())
    .addOption(opt.configOption())
    .action((flags: ConfigFlags) => run((terminal) => start(terminal, flags)))
  opt.examples(command, ['config', 'config --json --config staging.config.json'])
  command.addHelpText('after', `\nSettings:\n\n${settingsHelp()}`)
}

async function start(terminal: Terminal, flags: ConfigFlags): Promise<ExitCode> {
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
