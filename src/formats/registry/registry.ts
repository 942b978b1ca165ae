import { LRUCache } from 'lru-cache'
import type { SaidReference, SaidSchema, Verdict } from './answer.ts'
import { verdictOf } from './answer.ts'
import { connectionTo, type RegistryAccess, type RegistryConnection } from './http.ts'
import type { Lookup, SchemaKey, SchemaReference, SchemaSource, WrittenSchema } from './schema-source.ts'

export interface RegistryOptions {
  readonly connection: RegistryConnection
  /** Milliseconds of a clock that never runs backwards. */
  readonly nowMs: () => number
  readonly random: () => number
  /** Called once when schemas that are needed cannot be had, and once when all can. */
  readonly onAway?: ((reason: string) => void) | undefined
  readonly onBack?: (() => void) | undefined
}

export type RegistryListeners = Pick<RegistryOptions, 'onAway' | 'onBack'>

/** The registry of the settings; undefined if they name none. It connects with the first request. */
export function openRegistry(
  schemaRegistry: Omit<RegistryAccess, 'url'> & { readonly url: string | undefined },
  listeners: RegistryListeners = {},
): Registry | undefined {
  const { url, username, password, token, sslCa } = schemaRegistry
  if (url === undefined) return undefined
  const connection = connectionTo({ url, username, password, token, sslCa })
  return new Registry({ connection, nowMs: () => performance.now(), random: Math.random, ...listeners })
}

/** A schema that is asked for, or could not be had when it was. */
interface Asked {
  readonly askedMs: number
  /** Undefined when the request has failed. */
  readonly settled: Promise<void> | undefined
  readonly failures: number
  readonly reason: string
  /** It is not asked for again before. */
  readonly notBeforeMs: number
  /** When somebody needed it last. */
  neededMs: number
}

/** Most of a registry's schemas that are in use at a time. One that is displaced is asked for again when it is needed. */
const MOST_SCHEMAS = 2_000
/** A registry that has several servers may not know a new id on all of them at once; so long it is not asked again. */
const UNKNOWN_MS = 10_000
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 2_000
/** A registry that takes longer is told of. */
const SLOW_MS = 2_000
/** What nobody has needed for so long is no trouble any more: its partition may be another node's. */
const FORGOTTEN_MS = 30_000
const MOST_REFERENCES = 500
const TYPES = ['AVRO', 'PROTOBUF', 'JSON'] as const

/**
 * The schemas of a registry by Confluent's API. An id is immutable, so what was fetched once stays, whatever the registry
 * says later; each id is asked for by one request at a time.
 */
export class Registry implements SchemaSource {
  readonly #options: RegistryOptions
  readonly #found = new LRUCache<SchemaKey, WrittenSchema>({ max: MOST_SCHEMAS })
  readonly #unknown = new LRUCache<SchemaKey, { readonly detail: string; readonly untilMs: number }>({
    max: MOST_SCHEMAS,
  })
  /** As many as partitions wait at a time, and those that nobody waits for any more. */
  readonly #asked = new LRUCache<SchemaKey, Asked>({ max: MOST_SCHEMAS })
  /** The answers to references, by subject and version. */
  readonly #references = new LRUCache<string, Promise<Verdict>>({ max: MOST_SCHEMAS })
  #isAway = false
  #isClosed = false

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  get trouble(): string | undefined {
    const nowMs = this.#options.nowMs()
    for (const { settled, reason, failures, askedMs, neededMs } of this.#asked.values()) {
      if (nowMs - neededMs > FORGOTTEN_MS) continue
      if (failures > 0) return reason
      if (settled !== undefined && nowMs - askedMs > SLOW_MS) return `no answer for ${Math.round(nowMs - askedMs)} ms`
    }
    return undefined
  }

  lookup(key: SchemaKey): Lookup {
    const schema = this.#found.get(key)
    if (schema !== undefined) return { status: 'found', schema }
    const nowMs = this.#options.nowMs()
    const unknown = this.#unknown.get(key)
    if (unknown !== undefined && nowMs < unknown.untilMs) return { status: 'unknown', detail: unknown.detail }
    const asked = this.#asked.get(key)
    if (asked !== undefined) asked.neededMs = nowMs
    if (asked !== undefined && (asked.settled !== undefined || nowMs < asked.notBeforeMs))
      return { status: 'held', reason: asked.reason, settled: asked.settled }
    if (this.#isClosed) return { status: 'held', reason: 'the registry is closed', settled: undefined }
    return { status: 'held', ...this.#ask(key, asked, nowMs) }
  }

  close(): void {
    this.#isClosed = true
    this.#options.connection.close()
  }

  #ask(key: SchemaKey, before: Asked | undefined, nowMs: number): Pick<Asked, 'reason' | 'settled'> {
    const { failures = 0, reason = 'the schema is asked for' } = before ?? {}
    const settled = this.#fetch(key)
      .catch((error): Fetched => ({ status: 'away', reason: reasonOf(error) }))
      .then((verdict) => this.#take(key, verdict, failures))
    this.#asked.set(key, { askedMs: nowMs, neededMs: nowMs, settled, failures, reason, notBeforeMs: 0 })
    return { reason, settled }
  }

  #take(key: SchemaKey, verdict: Fetched, failures: number): void {
    const nowMs = this.#options.nowMs()
    if (verdict.status === 'away') {
      const { reason } = verdict
      const retryMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LONGEST_RETRY_MS)
      const notBeforeMs = nowMs + retryMs / 2 + (retryMs / 2) * this.#options.random()
      const neededMs = this.#asked.peek(key)?.neededMs ?? nowMs
      this.#asked.set(key, {
        ...{ askedMs: nowMs, neededMs, settled: undefined, failures: failures + 1, reason, notBeforeMs },
      })
      if (!this.#isAway && !this.#isClosed) this.#options.onAway?.(reason)
      this.#isAway = true
      return
    }
    this.#asked.delete(key)
    if (verdict.status === 'found') this.#found.set(key, verdict.schema)
    else this.#unknown.set(key, { detail: verdict.detail, untilMs: nowMs + UNKNOWN_MS })
    if (this.#isAway && this.trouble === undefined) {
      this.#isAway = false
      this.#options.onBack?.()
    }
  }

  async #fetch(key: SchemaKey): Promise<Fetched> {
    const path = typeof key === 'number' ? `/schemas/ids/${key}` : `/schemas/guids/${encodeURIComponent(key)}`
    const verdict = await this.#get(path)
    if (verdict.status !== 'found') return verdict
    const { said } = verdict
    const type = TYPES.find((each) => each === said.type)
    if (type === undefined) return { status: 'unknown', detail: `it is of the type ${said.type}, which is not read` }
    const references = new Map<string, SchemaReference>()
    const against = await this.#resolve(said, references, new Set())
    return against ?? { status: 'found', schema: { key, type, text: said.text, references: [...references.values()] } }
  }

  /** Adds what a schema refers to, after what that refers to. Returns why it cannot. */
  async #resolve(
    { references }: SaidSchema,
    resolved: Map<string, SchemaReference>,
    seen: Set<string>,
  ): Promise<Exclude<Verdict, { status: 'found' }> | undefined> {
    for (const reference of references) {
      const { name, subject, version } = reference
      const place = `${name} ${subject} ${version}`
      if (seen.has(place)) continue
      seen.add(place)
      if (seen.size > MOST_REFERENCES)
        return { status: 'unknown', detail: `it refers to more than ${MOST_REFERENCES} schemas` }
      const verdict = await this.#reference(reference)
      if (verdict.status === 'unknown')
        return { status: 'unknown', detail: `it refers to version ${version} of ${subject}: ${verdict.detail}` }
      if (verdict.status === 'away') return verdict
      const against = await this.#resolve(verdict.said, resolved, seen)
      if (against !== undefined) return against
      resolved.set(place, { name, text: verdict.said.text })
    }
    return undefined
  }

  /** What was deleted only softly is still what was written. */
  async #reference({ subject, version }: SaidReference): Promise<Verdict> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`
    const answer = this.#references.get(path) ?? this.#get(path)
    this.#references.set(path, answer)
    const verdict = await answer
    if (verdict.status !== 'found') this.#references.delete(path)
    return verdict
  }

  async #get(path: string): Promise<Verdict> {
    try {
      return verdictOf(await this.#options.connection.get(path))
    } catch (error) {
      return { status: 'away', reason: reasonOf(error) }
    }
  }
}

type Fetched =
  | { readonly status: 'found'; readonly schema: WrittenSchema }
  | Exclude<Verdict, { readonly status: 'found' }>

/** An address of several has an error for each, and no words of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
