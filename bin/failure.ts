import { type ExitCode, FAILED, USAGE } from './exit-code.ts'
import { painted, say, type Terminal } from './terminal/terminal.ts'

/**
 * One sentence for what went wrong; with `--json` an object. An error of ours has a code and says all in its message;
 * anything else is a mistake in the program, and its stack is what helps.
 */
export function reportFailure(terminal: Terminal, error: unknown, asJson: boolean): ExitCode {
  const code = codeOf(error)
  const message = `${error instanceof Error ? error.message : String(error)}${hintOf(code)}`
  if (asJson) say(terminal, JSON.stringify({ error: { code: code ?? 'unexpected', message } }))
  else if (code !== undefined) say(terminal, `${painted(terminal.stderr, 'red', 'error:')} ${message}`)
  else say(terminal, error instanceof Error ? (error.stack ?? message) : message)
  return code === 'bad-option' ? USAGE : FAILED
}

/** Whoever comes here first has not started any, and does not know what it is called where there is one. */
function hintOf(code: string | undefined): string {
  if (code !== 'unreachable' && code !== 'kafka-unreachable') return ''
  return '; KAFKA_BROKERS says where Kafka is, and in a checkout `npm run stack -- start` starts one'
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
