export const DONE = 0
export const FAILED = 1
export const USAGE = 2
export const INTERRUPTED = 130

export type ExitCode = typeof DONE | typeof FAILED | typeof USAGE | typeof INTERRUPTED
