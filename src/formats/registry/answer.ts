import { isObject } from '../../../schemas/json-value.ts'

/** What a registry has answered. */
export interface Answer {
  readonly status: number
  readonly body: string
}

/** What an answer says of a schema. */
export type Verdict =
  | { readonly status: 'found'; readonly said: SaidSchema }
  | { readonly status: 'unknown'; readonly detail: string }
  /** It says nothing of the schema: it is asked for again. */
  | { readonly status: 'away'; readonly reason: string }

export interface SaidSchema {
  readonly type: string
  readonly text: string
  readonly references: readonly SaidReference[]
}

export interface SaidReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/**
 * Only what the registry itself says of an id counts as knowledge of it. Everything else is no fault of the record, but of the
 * way to the registry or of the settings: a login that is refused, a page of a proxy, an address that is no registry's.
 */
export function verdictOf({ status, body }: Answer): Verdict {
  const said = parsed(body)
  if (status === 200) {
    const schema = schemaOf(said)
    return schema === undefined
      ? { status: 'away', reason: `it answered 200 with ${isObject(said) ? 'no schema' : 'something that is no JSON'}` }
      : { status: 'found', said: schema }
  }
  const message = isObject(said) && typeof said.message === 'string' ? `: ${said.message.slice(0, 200)}` : ''
  if (status === 404 && isObject(said) && isNotFound(said.error_code))
    return { status: 'unknown', detail: `the registry does not know it${message}` }
  if (status === 401 || status === 403)
    return { status: 'away', reason: `it answered ${status}: the login of SCHEMA_REGISTRY_* is not accepted${message}` }
  if (status === 404)
    return {
      status: 'away',
      reason: 'it answered 404 as no registry does: is SCHEMA_REGISTRY_URL right? An older one knows no GUIDs, either',
    }
  return { status: 'away', reason: `it answered ${status}${message}` }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** 40401 to 40403: the subject, the version, the schema is not there. */
function isNotFound(code: unknown): boolean {
  return code === 40_401 || code === 40_402 || code === 40_403
}

function schemaOf(said: unknown): SaidSchema | undefined {
  if (!isObject(said) || typeof said.schema !== 'string') return undefined
  const [type, references] = [said.schemaType ?? 'AVRO', said.references ?? []]
  if (typeof type !== 'string' || !Array.isArray(references)) return undefined
  const read = references.map(referenceOf).filter((reference) => reference !== undefined)
  return read.length < references.length ? undefined : { type, text: said.schema, references: read }
}

function referenceOf(said: unknown): SaidReference | undefined {
  if (!isObject(said)) return undefined
  const { name, subject, version } = said
  if (typeof name !== 'string' || typeof subject !== 'string' || typeof version !== 'number') return undefined
  return { name, subject, version }
}
