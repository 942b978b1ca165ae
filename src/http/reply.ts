import { STATUS_CODES } from 'node:http'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function json(status: number, value: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(value)}\n` }
}

/** A problem document (RFC 9457). `about:blank` says that the problem is the one that the status names. */
export function problem(status: number, detail: string, headers: Readonly<Record<string, string>> = {}): Reply {
  const document = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail }
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
    body: `${JSON.stringify(document)}\n`,
  }
}
