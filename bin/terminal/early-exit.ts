import { codeUnderMark } from '../../src/detect/stray-errors.ts'
import { DONE, type ExitCode, FAILED, isLeaving } from '../exit-code.ts'

/**
 * Tells when something else ends the process before the command has ended: code of the user by `process.exit()`, or an
 * `await` that never settles, after which Node has nothing to do. Neither is a success. Returns what is called at the
 * command's end; its exit code stands from then on.
 */
export function tellEarlyExit(command: string, tell: (error: Error) => void): (ended: ExitCode) => void {
  let ended: ExitCode | undefined
  process.on('exit', (code) => {
    if (isLeaving()) return
    if (ended !== undefined) process.exitCode = ended === DONE ? code : ended
    const reason = ended === undefined ? reasonOf(code) : undefined
    if (reason === undefined) return
    const message = `${reason}: ${command === 'run' ? RUN_LOSES : `forewarm ${command} has not finished`}`
    tell(Object.assign(new Error(message), { code: 'ended-early' }))
    process.exitCode = code === DONE ? FAILED : code
  })
  return (code) => {
    ended = code
  }
}

const RUN_LOSES = 'the node did not drain, and positions since its last commit were not committed'

/** Undefined for an end that has been told already, such as that by an error that nobody caught. */
function reasonOf(code: number): string | undefined {
  const isCalled = new Error().stack?.includes('at process.exit ') === true
  const caller = codeUnderMark()
  if (isCalled) return caller && `${caller} called process.exit()`
  return code === DONE ? 'an await never settles, in the file of --detectors or --formats if there is one' : undefined
}
