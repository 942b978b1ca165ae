import { INTERRUPTED } from './exit-code.ts'

/** The first Ctrl-C or SIGTERM asks for an orderly end; a second one exits at once. */
export function interruptible(): AbortSignal {
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(INTERRUPTED)
      abort.abort(name)
    })
  }
  return abort.signal
}
