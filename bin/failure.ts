import { type ExitCode, FAILED, USAGE } from './exit-code.ts'
import { painted, say, type Terminal } from './terminal/terminal.ts'

/**
 * Prints one sentence about the failure, or an object with `--json`. An error of ours has a code and a message that
 * says everything; any other error is a bug, so its stack is printed.
 */
export function reportFailure(terminal: Terminal, error: unknown, asJson: boolean): ExitCode {
  const code = codeOf(error)
  const message = `${error instanceof Error ? error.message : String(error)}${hintOf(code)}`
  if (asJson) say(terminal, JSON.stringify({ error: { code: code ?? 'unexpected', message } }))
  else if (code !== undefined) say(terminal, `${painted(terminal.stderr, 'red', 'error:')} ${message}`)
  else say(terminal, error instanceof Error ? (error.stack ?? message) : message)
  return code === 'bad-option' ? USAGE : FAILED
}

/** A newcomer may not have started Kafka, or may not know which setting says where it is. */
function hintOf(code: string | undefined): string {
  if (code !== 'unreachable' && code !== 'kafka-unreachable') return ''
  return '; set KAFKA_BROKERS to where Kafka is, or start one with `npm run stack -- start` in a checkout'
}

/** The code of an error of ours. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
