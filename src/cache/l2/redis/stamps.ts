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
    const { servers, keys, table, isCluster } = this.#options
    const hashes = (isCluster ? [...table.chains.keys()] : [undefined]).map((chainId) => keys.stampsOf(chainId))
    const isKnown = (hash: string) => (stamp: StampOf) => this.#known.get(hash)?.has(stamp.name) === true
    const replies = await servers.send(
      'stamp',
      hashes.map(([hash, readers]) => stampCall([hash, readers], stamps, isKnown(hash))),
    )
    if (!replies.ok) return { status: 'unavailable', reason: replies.reason }
    const answers = replies.values.map((value) => (Array.isArray(value) ? value.map(Number) : []))
    if (answers.some(([lost = 0]) => lost > 0)) {
      this.#known.clear()
      return { status: 'lost' }
    }
    for (const [hash] of hashes) this.#known.set(hash, new Set(stamps.map(({ name }) => name)))
    return { status: 'stamped', isRead: answers.some(([, readers]) => readers === 1) }
  }
}
