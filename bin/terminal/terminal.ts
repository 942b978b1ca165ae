import { styleText } from 'node:util'
import { DONE, FAILED, leave } from '../exit-code.ts'

/** Data goes to standard output, messages about it to standard error. */
export interface Terminal {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Aborted by Ctrl-C, SIGTERM and SIGHUP; the reason is the signal's name. */
  readonly signal: AbortSignal
}

export function print(terminal: Terminal, line: string): void {
  terminal.stdout.write(`${line}\n`)
}

/** One JSON value on one line. Offsets become strings, as JSON has no numbers of that size. */
export function printJson(terminal: Terminal, value: unknown): void {
  print(
    terminal,
    JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)),
  )
}

/** Figures as one line of JSON. Those that are not measured are null, so that every line has the same keys. */
export function figuresJson(figures: object): string {
  return JSON.stringify(figures, (_, value: unknown) => value ?? null)
}

export function say(terminal: Terminal, line: string): void {
  terminal.stderr.write(`${line}\n`)
}

/** The text in lines of at most 80 characters, unless a word is longer. */
export function wrapped(text: string): string {
  return text.replace(/(.{1,80})(?: |$)/g, '$1\n').trimEnd()
}

export type Paint = Parameters<typeof styleText>[0]

/** The text, coloured if the stream is a terminal and NO_COLOR is not set. */
export function painted(stream: NodeJS.WriteStream, paint: Paint, text: string): string {
  return styleText(paint, text, { stream })
}

/**
 * A reader that goes away early (`| head`) is no error, and makes no success of a failure that is known already. A full
 * disk is one.
 */
export function leaveQuietlyOnBrokenPipe({ stdout, stderr }: Pick<Terminal, 'stdout' | 'stderr'>): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') leave(process.exitCode ?? DONE)
    stderr.write(`${painted(stderr, 'red', 'error:')} standard output cannot be written: ${error.message}\n`)
    leave(FAILED)
  })
}

/** The work goes on although nobody can be told about it. Its exit code still says how it ended. */
export function goOnWithoutReader(stderr: NodeJS.WriteStream): void {
  stderr.on('error', () => undefined)
}
