import type { Reply } from './reply.ts'
import type { Schema } from './schema.ts'

export interface Inquiry {
  /** Stands in the answer. A line of the log that the request causes has it as `request_id`. */
  readonly id: string
  readonly headers: { readonly accept?: string | undefined; readonly 'if-match'?: string | undefined }
  readonly query: unknown
  readonly params: unknown
  readonly body?: unknown
}

export interface Route {
  /** What is answered or done, for the table of routes. */
  readonly about: string
  /** The schema of each answer by its status; other statuses are problem documents. */
  readonly answers: Readonly<Record<number, Schema>>
  /** The media type of the answers. Default: application/json. */
  readonly media?: string
  /** JSON schemas by the part of the request; a description completes the sentence "expected …". */
  readonly schema?: { readonly querystring?: Schema; readonly body?: Schema }
  /** Takes the event loop for long, or makes a large answer: it waits for its turn before its body is parsed. */
  readonly isCostly?: boolean
  handle(inquiry: Inquiry): Reply | Promise<Reply>
}

/** Routes by path and method. A HEAD is answered like a GET, without the body. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Route>>>>

/** The methods of a path, as Allow lists them; undefined if nothing is there. */
export function methodsOf(routes: Routes, path: string): string | undefined {
  const [, route] = Object.entries(routes).find(([pattern]) => isAt(path, pattern)) ?? []
  const methods = route && Object.keys(route)
  return methods?.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ')
}

function isAt(path: string, pattern: string): boolean {
  const [given, expected] = [path.split('/'), pattern.split('/')]
  return given.length === expected.length && expected.every((part, at) => part.startsWith(':') || part === given[at])
}
