import { STATUS_CODES } from 'node:http'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | Problem
}

/** A problem document (RFC 9457), but for `request_id`, which it gets when it is sent. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly errors?: readonly InvalidField[] | undefined
  /** What another operator has set, who was faster. */
  readonly winner?: object | undefined
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

interface ProblemExtras extends Pick<Problem, 'errors' | 'winner'> {
  readonly headers?: Readonly<Record<string, string>>
}

/** `about:blank` says that the problem is the one that the status names. */
export function problem(status: number, detail: string, { headers = {}, ...members }: ProblemExtras = {}): Reply {
  const body: Problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, ...members }
  return { status, headers: { ...headers, 'content-type': 'application/problem+json' }, body }
}

/** Body and headers as they are sent. */
export function sent({ headers, body }: Reply, requestId: string): Pick<Reply, 'headers'> & { readonly body: Buffer } {
  return {
    headers: {
      ...headers,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': requestId,
    },
    body: Buffer.isBuffer(body) ? body : Buffer.from(textOf(body, requestId)),
  }
}

function textOf(body: string | Problem, requestId: string): string {
  return typeof body === 'string' ? body : `${JSON.stringify({ ...body, request_id: requestId })}\n`
}
