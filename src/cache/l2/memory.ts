import { type CachedPrice, isTombstone, MAX_VERSION, type PriceColumns, priceOfRow } from '../cached-price.ts'
import { FOLLOWS, NEVER, UNKNOWN_SOURCE } from '../sources/sources.ts'
import { jitteredTtlMs } from '../ttl.ts'
import type { Deletion, L2, L2Load, L2Options, L2State, L2Write } from './l2.ts'

interface Stored {
  readonly version: number
  /** Undefined if the pair is deleted up to this version. */
  readonly price: CachedPrice | undefined
  readonly expiresAtMs: number
  readonly sourceCode: number
  /** As in PriceColumns. */
  readonly epoch: number
}

const CLOSED = { status: 'unavailable', reason: 'closed' } as const

export function createMemoryL2(options: L2Options): L2 {
  return new MemoryL2(options)
}

/**
 * The second level without Redis: it is private to the process and always available. It holds one value for each pair id
 * at most, and the pair table bounds those. An expired value is removed when it is next asked for or written.
 */
class MemoryL2 implements L2 {
  readonly #options: L2Options
  readonly #stored = new Map<number, Stored>()
  #isClosed = false

  constructor(options: L2Options) {
    this.#options = options
  }

  async start(): Promise<void> {}

  async load(pairIds: readonly number[]): Promise<L2Load> {
    if (this.#isClosed) return CLOSED
    return { status: 'loaded', rows: pairIds.map((pairId) => this.#find(pairId)) }
  }

  async write(columns: PriceColumns, from: number, to: number): Promise<L2Write> {
    if (this.#isClosed) return CLOSED
    let written = 0
    for (let row = from; row < to; row++) if (this.#put(columns, row)) written++
    return { status: 'written', written, older: to - from - written }
  }

  async delete(deletions: readonly Deletion[]): Promise<L2Write> {
    if (this.#isClosed) return CLOSED
    let written = 0
    let older = 0
    for (const deletion of deletions) {
      const isThere = this.#live(deletion.pairId)?.price !== undefined
      if (!this.#delete(deletion)) older++
      else if (isThere) written++
    }
    return { status: 'written', written, older }
  }

  state(): L2State {
    return this.#isClosed ? { status: 'degraded', reason: 'closed', sinceMs: 0 } : { status: 'up' }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stored.clear()
  }

  lives(pairId: number): boolean {
    return this.#live(pairId)?.price !== undefined
  }

  forget(pairId: number): void {
    this.#stored.delete(pairId)
  }

  #live(pairId: number): Stored | undefined {
    const entry = this.#stored.get(pairId)
    if (entry === undefined || entry.expiresAtMs > this.#options.clock.now()) return entry
    this.#stored.delete(pairId)
    return undefined
  }

  #find(pairId: number): CachedPrice | undefined {
    const { sources, onNewer } = this.#options
    const entry = this.#live(pairId)
    if (entry === undefined) return undefined
    if (entry.price === undefined) {
      onNewer?.(pairId, floorOf(entry), true)
      return undefined
    }
    const source = sources?.ofCode(entry.sourceCode) ?? UNKNOWN_SOURCE
    const asOfMs = sources?.hasFollowed(source, entry.epoch) ? FOLLOWS : NEVER
    return { ...entry.price, source, asOfMs, epoch: sources?.epoch ?? 0 }
  }

  #put(columns: PriceColumns, row: number): boolean {
    const { clock, ttlMs, tombstoneTtlMs = ttlMs, random, onNewer } = this.#options
    const pairId = columns.pairIds[row] as number
    const version = columns.versions[row] as number
    // A row of version 0 has no value: its pair was delisted while it waited.
    if (version === 0) return false
    const floor = floorOf(this.#live(pairId))
    if (floor > version) {
      onNewer?.(pairId, floor)
      return false
    }
    const price = isTombstone(columns, row) ? undefined : priceOfRow(columns, row)
    const stayMs = price === undefined ? tombstoneTtlMs : jitteredTtlMs(ttlMs, random)
    const sourceCode = columns.sourceCodes[row] as number
    const epoch = columns.epochs[row] as number
    this.#stored.set(pairId, { version, price, sourceCode, epoch, expiresAtMs: clock.now() + stayMs })
    return true
  }

  /** Returns false if something newer than the deletion stays. */
  #delete({ pairId, version, upTo = MAX_VERSION }: Deletion): boolean {
    const { clock, ttlMs, tombstoneTtlMs = ttlMs, onNewer } = this.#options
    const entry = this.#live(pairId)
    const stored = entry?.version ?? 0
    if (stored > upTo) {
      onNewer?.(pairId, floorOf(entry))
      return false
    }
    const newest = Math.max(version, stored)
    const expiresAtMs = clock.now() + tombstoneTtlMs
    this.#stored.set(pairId, { version: newest, price: undefined, sourceCode: 0, epoch: 0, expiresAtMs })
    if (newest > version) onNewer?.(pairId, newest + 1)
    return true
  }
}

/** The lowest version that is still accepted. */
function floorOf(entry: Stored | undefined): number {
  if (entry === undefined) return 0
  return entry.price === undefined ? entry.version + 1 : entry.version
}
