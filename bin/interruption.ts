import { INTERRUPTED, leave } from './exit-code.ts'

/** The first Ctrl-C, SIGTERM or SIGHUP (the terminal has gone) asks for an orderly end; a second one exits at once. */
export function interruptible(): AbortSignal {
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) leave(INTERRUPTED)
      abort.abort(name)
    })
  }
  return abort.signal
}
