import type { PairTable } from '../../names/pair-table.ts'
import type { L2Stamp, StampOf } from '../l2.ts'
import { stampCall } from './batch.ts'
import type { PairKeys } from './keys.ts'
import type { RedisServers } from './server.ts'

export interface RedisStampsOptions {
  readonly servers: RedisServers
  readonly keys: PairKeys
  readonly table: Pick<PairTable, 'chains'>
  /** A server of a cluster may lose data while the others keep theirs, so each chain has stamps beside its values. */
  readonly isCluster: boolean
  /** As long as no node has told again that a topic is one source, it is none to those that do not know. */
  readonly ttlMs: number
}

/** The stamps that this node has set in Redis. */
export class RedisStamps {
  readonly #options: RedisStampsOptions
  /** The names that each hash had after our last call. */
  readonly #known = new Map<string, Set<string>>()

  constructor(options: RedisStampsOptions) {
    this.#options = options
  }

  async set(stamps: readonly StampOf[]): Promise<L2Stamp> {
    const { servers, keys, table, isCluster, ttlMs } = this.#options
    const hashes = (isCluster ? [...table.chains.keys()] : [undefined]).map((chainId) => keys.stampsOf(chainId))
    const isKnown = (hash: string) => (stamp: StampOf) => this.#known.get(hash)?.has(stamp.name) === true
    const replies = await servers.send(
      'stamp',
      hashes.map((each) => stampCall(each, stamps, isKnown(each[0]))),
    )
    if (!replies.ok) return { status: 'unavailable', reason: replies.reason }
    const answers = replies.values.map((value): unknown[] => (Array.isArray(value) ? value : []))
    if (answers.some(([lost]) => Number(lost) > 0)) {
      this.#known.clear()
      return { status: 'lost' }
    }
    for (const [hash] of hashes)
      this.#known.set(hash, new Set([...(this.#known.get(hash) ?? []), ...stamps.map(({ name }) => name)]))
    const joined = answers.flatMap(([, , ...told]) =>
      told.flatMap((name, at) => (at % 2 === 0 && Number(told[at + 1]) < ttlMs ? [String(name)] : [])),
    )
    const isRead = answers.some(([, readers]) => Number(readers) === 1)
    return { status: 'stamped', isRead, ...(joined.length > 0 && { joined }) }
  }
}
