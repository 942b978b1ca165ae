import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './terminal/terminal.ts'

/** A command: its arguments and options, and what runs it. Loaded when it is called, not before. */
export interface CommandModule {
  define(command: Command, run: RunCommand): void
}

/** Called from a command's action; the outcome becomes the exit code. */
export type RunCommand = (body: (terminal: Terminal) => Promise<ExitCode>) => Promise<void>
