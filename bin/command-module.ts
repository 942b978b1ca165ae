import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal/terminal.ts'

/** A command. Its module is loaded only when it is called. */
export interface CommandModule {
  /** Gives the command that takes the arguments: `command` or one below it. `--json` is added to its options. */
  define(command: Command): Command
  readonly examples: readonly string[]
  /** Gets the arguments, and then the options, as `define` parses them. */
  start(terminal: Terminal, ...given: readonly unknown[]): Promise<ExitCode>
}
