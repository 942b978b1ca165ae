import { styleText } from 'node:util'

const PAINTS = { fatal: 'red', error: 'red', warn: 'yellow', info: 'green', debug: 'gray' } as const

/** Fields that are the same on every line, or that the line shows elsewhere. */
const LEFT_OUT = ['level', 'time', 'service', 'version', 'pid', 'msg', 'err']

/** A line of the log for people: time, level, message, then the other fields, and below it the stack. */
export function readableLine(json: string): string {
  const line = JSON.parse(json) as Record<string, unknown>
  const level = String(line.level) as keyof typeof PAINTS
  const time = new Date(String(line.time)).toTimeString().slice(0, 8)
  const painted = styleText(PAINTS[level] ?? 'gray', level.toUpperCase().padEnd(5), { stream: process.stderr })
  const fields = Object.entries(line).filter(([name, value]) => !LEFT_OUT.includes(name) && value !== undefined)
  const facts = fields.map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  // A detector may throw what is no error.
  const { stack, message } = Object(line.err) as Record<string, unknown>
  const error = stack ?? message ?? line.err
  return `${time} ${painted} ${line.msg}${facts.join('')}\n${error === undefined ? '' : `${indented(typeof error === 'string' ? error : JSON.stringify(error))}\n`}`
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
