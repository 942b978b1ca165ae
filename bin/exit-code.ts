export const DONE = 0
export const FAILED = 1
export const USAGE = 2
export const INTERRUPTED = 130

export type ExitCode = typeof DONE | typeof FAILED | typeof USAGE | typeof INTERRUPTED

let leaving = false

/** Ends the process on purpose before the command has ended. */
export function leave(code: typeof process.exitCode): never {
  leaving = true
  process.exit(code)
}

/** Whether this exit is by `leave`. */
export function isLeaving(): boolean {
  return leaving
}
