import { STATUS_CODES } from 'node:http'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** A field that is not as it should be: a member of the body, as a JSON pointer, or a parameter of the query. */
export interface InvalidField {
  readonly pointer?: string
  readonly parameter?: string
  readonly detail: string
}

export function json(status: number, value: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(value)}\n` }
}

interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>
  readonly errors?: readonly InvalidField[]
}

/** A problem document (RFC 9457). `about:blank` says that the problem is the one that the status names. */
export function problem(status: number, detail: string, { headers = {}, errors }: ProblemExtras = {}): Reply {
  const document = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, errors }
  return { ...json(status, document), headers: { ...headers, 'content-type': 'application/problem+json' } }
}
