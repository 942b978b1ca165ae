import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** What callers use for theirs: a UUID, a ULID, a trace id. Other characters could break a line of the log apart. */
const SANE = /^[\w.:/+=-]{1,128}$/

/** The caller's own id if it is sane; otherwise a new one. It stands in the answer, and in the log. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID()
}
