import type { FastifySchemaValidationError } from 'fastify'
import { shown } from '../../schemas/json-value.ts'
import { type InvalidField, problem, type Reply } from './reply.ts'

/** A request that is not answered as asked, with its answer. */
export class Refusal extends Error {
  readonly reply: Reply
  /** Fastify takes the status from here. */
  readonly statusCode: number

  constructor(reply: Reply) {
    super(`refused with ${reply.status}`)
    this.reply = reply
    this.statusCode = reply.status
  }
}

/** What Ajv adds with `verbose`. Each schema's description completes the sentence "expected …". */
interface Verbose extends FastifySchemaValidationError {
  readonly data?: unknown
  readonly parentSchema?: Schema
}

interface Schema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
}

/** Names every invalid field: the first error of each. */
export function invalidFields(errors: readonly FastifySchemaValidationError[], where: string): Refusal {
  const found = new Map<string, InvalidField>()
  for (const { instancePath, params, data, parentSchema } of errors as readonly Verbose[]) {
    const { missingProperty: missing, additionalProperty: unknown } = params
    const member = [missing, unknown].find((name) => typeof name === 'string')
    const path = member === undefined ? instancePath : `${instancePath}/${member}`
    const expected = member === undefined ? parentSchema : parentSchema?.properties?.[member]
    const got = `${expected?.description ?? 'another value'}, got ${shown(member === undefined ? data : undefined)}`
    const detail = member === unknown && member !== undefined ? 'there is no such member' : `expected ${got}`
    const place = where === 'querystring' ? { parameter: path.slice(1) } : { pointer: `#${path}` }
    if (!found.has(path)) found.set(path, { ...place, detail })
  }
  const details = [...found].map(([path, { detail }]) => (path === '' ? detail : `${path.slice(1)}: ${detail}`))
  return new Refusal(problem(400, details.join('; '), { errors: [...found.values()] }))
}
