/** A JSON schema of what is answered, or asked for. */
export type Schema = Readonly<Record<string, unknown>>

export const TEXT: Schema = { type: 'string' }
export const NUMBER: Schema = { type: 'number' }
export const COUNT: Schema = { type: 'integer', minimum: 0 }
export const FLAG: Schema = { type: 'boolean' }

/** An object with these members and no others. */
export function object(required: Readonly<Record<string, Schema>>, optional: Readonly<Record<string, Schema>> = {}) {
  const properties = { ...required, ...optional }
  return { type: 'object', additionalProperties: false, required: Object.keys(required), properties } satisfies Schema
}

export function list(items: Schema): Schema {
  return { type: 'array', items }
}

/** An object whose members have names of their own, such as those of checks. */
export function byName(values: Schema): Schema {
  return { type: 'object', additionalProperties: values }
}

export function oneOf(...values: readonly (string | number)[]): Schema {
  return { enum: values }
}

export function orNull({ type, ...rest }: Schema): Schema {
  return { type: [type, 'null'], ...rest }
}

/** A problem document (RFC 9457). */
export const PROBLEM = object(
  { type: TEXT, title: TEXT, status: { type: 'integer' }, detail: TEXT, request_id: TEXT },
  { errors: list(object({ detail: TEXT }, { pointer: TEXT, parameter: TEXT })), winner: { type: 'object' } },
)
