import type { Clock } from '../../../clock.ts'
import type { Metrics } from '../../../telemetry/slab.ts'
import { longestTtlMs } from '../../ttl.ts'
import { keyPrefix } from './keys.ts'
import type { Replies } from './link.ts'

export interface OldKeysOptions {
  readonly service: string
  readonly ttlMs: number
  readonly clock: Clock
  readonly metrics: Metrics | undefined
}

type Groups = readonly (readonly string[])[]
type Values = readonly (Buffer | null)[]

/**
 * The keys of earlier releases, `fw:{chain}:pair`, which all services shared. Nothing is written there any more, so a TTL
 * after the start the last value is gone. Until then a pair that has no value under its own key is looked for there, in
 * a second trip for the absent ones alone.
 */
export class OldKeys {
  readonly #options: OldKeysOptions
  readonly #prefixLength: number
  #readUntilMs: number

  constructor(options: OldKeysOptions) {
    this.#options = options
    this.#prefixLength = keyPrefix(options.service).length
    this.#readUntilMs = options.clock.now() + longestTtlMs(options.ttlMs)
  }

  /** The replies to `groups`, with the values that are only under old keys put in their places. */
  async fill(groups: Groups, replies: Replies, get: (keys: Groups) => Promise<Replies>): Promise<Replies> {
    if (!replies.ok || this.#options.clock.now() >= this.#readUntilMs) return replies
    const absent = groups.map((keys, at) => keys.filter((_, place) => (replies.values[at] as Values)[place] === null))
    const asked = absent.filter((keys) => keys.length > 0)
    if (asked.length === 0) return replies
    const old = await get(asked.map((keys) => keys.map((key) => this.#oldKeyOf(key))))
    if (!old.ok) return isForbidden(old.reason) ? this.#stop(replies) : withoutOld(replies.values, old.reason)
    const found = old.values.flatMap((values) => values as Values)
    this.#count(found)
    let next = 0
    return {
      ok: true,
      values: replies.values.map((values) => (values as Values).map((value) => value ?? found[next++] ?? null)),
    }
  }

  #oldKeyOf(key: string): string {
    return `fw:${key.slice(this.#prefixLength)}`
  }

  /** A user who may only read the keys of the service needs no others. */
  #stop(replies: Replies): Replies {
    this.#readUntilMs = Number.NEGATIVE_INFINITY
    return replies
  }

  #count(found: Values): void {
    const count = found.filter((value) => value !== null).length
    if (count > 0) this.#options.metrics?.counter('l2_old_key_reads_total').add(count)
  }
}

/** What was found under the own keys is known. The others are `undefined`, not null: they may be under old keys. */
function withoutOld(values: readonly unknown[], reason: string): Replies {
  const known = (group: unknown) => (group as Values).map((value) => value ?? undefined)
  return { ok: false, reason, served: new Map(values.map((group, at) => [at, known(group)])) }
}

function isForbidden(reason: string): boolean {
  return reason.startsWith('NOPERM')
}
