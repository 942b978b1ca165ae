import type { ChainableCommander, Redis } from 'ioredis'
import type { Clock } from '../../../clock.ts'
import type { VersionedCall } from './batch.ts'
import { functionName, librarySource, OPERATIONS, type Operation, scriptSource } from './library.ts'
import { isUnsupported, type RedisLink, type Replies } from './link.ts'

type Means =
  | { readonly kind: 'function' }
  | { readonly kind: 'script'; readonly sha: Readonly<Record<Operation, string>> }

interface Trip {
  readonly operation: Operation
  readonly calls: readonly VersionedCall[]
  readonly asking: boolean
}

const CLOCK_AGE_MS = 60_000
/** The same for stamps, whose moments are as good as the offset is. */
const STAMP_CLOCK_AGE_MS = 1_000
/** How long the largest offset that was measured counts: the others are too small by what their answers took. */
const BEST_OFFSET_MS = 10_000

/**
 * Sends versioned calls: as functions if Redis has them (7 and newer) and the user may use them, and as scripts otherwise,
 * also if the user loses that right later.
 * They are loaded on every new connection, because a server that was restarted or failed over may have forgotten them.
 *
 * It also knows how far Redis's clock is ahead of ours, for the deadlines. The lowest possible difference is taken, so
 * that the deadline in Redis is never later than the moment at which the caller gives up. The clock is read on each new
 * connection, once a minute beside a write, once a second beside a stamp, and after a late call. If Redis's clock jumps, one trip fails, and nothing
 * wrong is written.
 */
export class VersionedCalls {
  readonly #link: RedisLink
  readonly #timeoutMs: number
  readonly #clock: Clock
  #means: Means | undefined
  #preparing: Promise<string | undefined> | undefined
  #clockOffsetMs = 0
  #clockReadAtMs = Number.NEGATIVE_INFINITY
  #bestOffsetAtMs = Number.NEGATIVE_INFINITY

  constructor(link: RedisLink, options: { readonly commandTimeoutMs: number; readonly clock: Clock }) {
    this.#link = link
    this.#timeoutMs = options.commandTimeoutMs
    this.#clock = options.clock
  }

  /** Loads the functions or scripts, on a new connection. Resolves to the reason if that failed. */
  prepare(): Promise<string | undefined> {
    this.#means = undefined
    // Another server may have another clock.
    this.#bestOffsetAtMs = Number.NEGATIVE_INFINITY
    this.#preparing ??= this.#load().finally(() => {
      this.#preparing = undefined
    })
    return this.#preparing
  }

  /**
   * The replies to `calls`, in their order: how many keys each has written or removed. With `asking`, an ASKING with a
   * reply of its own stands before each call, because the slot is only just moving to this server.
   */
  async send(operation: Operation, calls: readonly VersionedCall[], asking = false): Promise<Replies> {
    for (let attempt = 1; ; attempt++) {
      if (this.#means === undefined) {
        const reason = await (this.#preparing ?? this.prepare())
        if (reason !== undefined) return { ok: false, reason }
      }
      const replies = await this.#trip({ operation, calls, asking })
      if (replies.ok || attempt === 2) return replies
      if (this.#means?.kind === 'function' && isUnsupported(replies.reason)) {
        // The user may load functions and not call them, or may not any more.
        const reason = await this.#loadScripts()
        if (reason !== undefined) return { ok: false, reason: replies.reason }
        continue
      }
      const missing = isMissing(replies.reason)
      // A late call is not tried again, but Redis's clock is read before the next one.
      if (missing || isLate(replies.reason)) this.#means = undefined
      if (!missing) return { ...replies, reason: explained(operation, replies.reason) }
    }
  }

  async #trip({ operation, calls, asking }: Trip): Promise<Replies> {
    const sentAtMs = performance.now()
    const ageMs = operation === 'stamp' ? STAMP_CLOCK_AGE_MS : CLOCK_AGE_MS
    const readsClock = sentAtMs - this.#clockReadAtMs > ageMs
    const deadlineMs = sentAtMs + this.#timeoutMs + this.#clockOffsetMs
    const nowMs = this.#clock.now()
    for (const call of calls) {
      call.packed.writeDoubleLE(nowMs, call.packed.writeDoubleLE(deadlineMs, 0))
      call.onSend?.(sentAtMs + this.#clockOffsetMs)
    }
    const [only] = calls
    if (calls.length === 1 && only !== undefined && !asking && !readsClock)
      return this.#link.call((redis) => this.#command(redis, operation, only))
    const replies = await this.#link.trip((pipeline) => {
      for (const call of calls) {
        if (asking) pipeline.asking()
        this.#command(pipeline, operation, call)
      }
      if (readsClock) pipeline.time()
    })
    if (!replies.ok || !readsClock) return replies
    this.#setClock(replies.values.at(-1))
    return { ok: true, values: replies.values.slice(0, -1) }
  }

  /** Sends a call on the connection itself, or as one of several in a pipeline. */
  #command(to: Redis, operation: Operation, call: VersionedCall): Promise<unknown>
  #command(to: ChainableCommander, operation: Operation, call: VersionedCall): unknown
  #command(to: Redis | ChainableCommander, operation: Operation, { keys, packed }: VersionedCall): unknown {
    const rest = [...keys, packed]
    if (this.#means?.kind === 'script') return to.evalsha(this.#means.sha[operation], keys.length, ...rest)
    return to.fcall(functionName(operation), keys.length, ...rest)
  }

  async #load(): Promise<string | undefined> {
    const functions = await this.#link.trip((pipeline) => {
      pipeline.time()
      pipeline.function('LOAD', 'REPLACE', librarySource())
    })
    if (functions.ok) {
      this.#setClock(functions.values[0])
      this.#means = { kind: 'function' }
      return undefined
    }
    if (!isUnsupported(functions.reason)) return functions.reason
    return this.#loadScripts()
  }

  async #loadScripts(): Promise<string | undefined> {
    const scripts = await this.#link.trip((pipeline) => {
      pipeline.time()
      for (const operation of OPERATIONS) pipeline.script('LOAD', scriptSource(operation))
    })
    if (!scripts.ok) return scripts.reason
    this.#setClock(scripts.values[0])
    const sha = (operation: number) => String(scripts.values[operation + 1])
    this.#means = { kind: 'script', sha: { write: sha(0), delete: sha(1), stamp: sha(2) } }
    return undefined
  }

  #setClock(reply: unknown): void {
    if (!Array.isArray(reply)) return
    const nowMs = performance.now()
    this.#clockReadAtMs = nowMs
    const offsetMs = Number(reply[0]) * 1000 + Number(reply[1]) / 1000 - nowMs
    if (offsetMs < this.#clockOffsetMs && nowMs - this.#bestOffsetAtMs < BEST_OFFSET_MS) return
    this.#clockOffsetMs = offsetMs
    this.#bestOffsetAtMs = nowMs
  }
}

/** The server was restarted, failed over or flushed, and has forgotten what was loaded. */
function isMissing(reason: string): boolean {
  return /NOSCRIPT|Function not found/i.test(reason)
}

/** Redis does not say which command a user may not run inside of what is loaded. */
function explained(operation: Operation, reason: string): string {
  if (!reason.includes("can't run this command")) return reason
  return `${reason} (it needs the rights to ${operation === 'stamp' ? 'HSET, HEXISTS, EXISTS' : 'GET, SET'} and TIME)`
}

function isLate(reason: string): boolean {
  return reason.startsWith('LATE')
}
