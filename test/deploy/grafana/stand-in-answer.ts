export type Json = Record<string, unknown>

export interface Answer {
  readonly code: number
  readonly body: unknown
}

export class Refused extends Error {
  readonly code: number
  readonly more: Json

  constructor(code: number, message: string, more: Json = {}) {
    super(message)
    this.code = code
    this.more = more
  }
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new Refused(400, 'bad request data')
  return value
}
