import { type BadLine, badLineText, type OnBadLine } from '../src/replay/source/bad-line.ts'
import { counted } from './terminal/progress-line.ts'
import { say, type Terminal } from './terminal/terminal.ts'

export const SKIP_BAD = ['--skip-bad', 'leave out lines that cannot be read, and name them (exit code 1)'] as const

/** The first ones are printed; the others are only counted. */
const SHOWN_LINES = 20

/** A file has a line that cannot be read. */
class BadLineError extends Error {
  readonly code = 'bad-line'

  constructor(line: BadLine) {
    super(badLineText(line))
    this.name = 'BadLineError'
  }
}

/** The one way of all commands with lines that cannot be read: the first ends the command, or all are named and counted. */
export class BadLines {
  readonly #terminal: Terminal
  readonly #skips: boolean
  /** The last line of each file that was told: a file may be read twice. */
  readonly #last = new Map<string, number>()
  #skipped = 0

  constructor(terminal: Terminal, { skipBad = false }: { readonly skipBad?: boolean }) {
    this.#terminal = terminal
    this.#skips = skipBad
  }

  get skipped(): number {
    return this.#skipped
  }

  readonly onBadLine: OnBadLine = (line) => {
    if (!this.#skips) throw new BadLineError(line)
    if (line.line <= (this.#last.get(line.file) ?? 0)) return
    this.#last.set(line.file, line.line)
    this.#skipped++
    if (this.#skipped <= SHOWN_LINES) say(this.#terminal, `skipped ${badLineText(line)}`)
    if (this.#skipped === SHOWN_LINES + 1) say(this.#terminal, 'more bad lines are only counted')
  }

  /** Says how many lines were skipped. */
  tell(): void {
    if (this.#skipped > 0) say(this.#terminal, `skipped ${counted(this.#skipped)} bad lines`)
  }
}
