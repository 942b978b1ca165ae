import { styleText } from 'node:util'
import { DONE } from '../exit-code.ts'

/** Data goes to standard output, everything that is said about it to standard error. */
export interface Terminal {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Aborted by Ctrl-C and by SIGTERM; the reason is the signal's name. */
  readonly signal: AbortSignal
}

export function print(terminal: Terminal, line: string): void {
  terminal.stdout.write(`${line}\n`)
}

/** One JSON value on one line; offsets, which JSON has no number for, as strings. */
export function printJson(terminal: Terminal, value: unknown): void {
  print(
    terminal,
    JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)),
  )
}

export function say(terminal: Terminal, line: string): void {
  terminal.stderr.write(`${line}\n`)
}

export type Paint = Parameters<typeof styleText>[0]

/** Coloured on a terminal, unless NO_COLOR is set. */
export function painted(stream: NodeJS.WriteStream, paint: Paint, text: string): string {
  return styleText(paint, text, { stream })
}

/** The waiting reader that went away (`| head`) is nobody's error. */
export function leaveQuietlyOnBrokenPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(DONE)
    throw error
  })
}
