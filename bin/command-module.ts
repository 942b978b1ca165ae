import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal/terminal.ts'

/** A command's description, arguments, options and action. Its module is loaded only when it is called. */
export interface CommandModule {
  define(command: Command, run: RunCommand): void
}

/** Runs the body of a command's action; what it resolves to becomes the exit code. */
export type RunCommand = (body: (terminal: Terminal) => Promise<ExitCode>) => Promise<void>
