import type { PairTable } from '../../names/pair-table.ts'
import type { L2Mark, MarkOf } from '../l2.ts'
import { markCall } from './batch.ts'
import type { PairKeys } from './keys.ts'
import type { RedisServers } from './server.ts'

export interface RedisMarksOptions {
  readonly servers: RedisServers
  readonly keys: PairKeys
  readonly table: Pick<PairTable, 'chains'>
  /** A server of a cluster may lose data while the others keep theirs, so each chain has marks beside its values. */
  readonly isCluster: boolean
}

/** The marks that this node has set in Redis. */
export class RedisMarks {
  readonly #options: RedisMarksOptions
  /** The names that each hash had after our last call. */
  readonly #known = new Map<string, Set<string>>()

  constructor(options: RedisMarksOptions) {
    this.#options = options
  }

  async set(marks: readonly MarkOf[]): Promise<L2Mark> {
    const { servers, keys, table, isCluster } = this.#options
    const hashes = (isCluster ? [...table.chains.keys()] : [undefined]).map((chainId) => keys.marksOf(chainId))
    const isKnown = (hash: string) => (mark: MarkOf) => this.#known.get(hash)?.has(mark.name) === true
    const replies = await servers.send(
      'mark',
      hashes.map(([hash, readers]) => markCall([hash, readers], marks, isKnown(hash))),
    )
    if (!replies.ok) return { status: 'unavailable', reason: replies.reason }
    const answers = replies.values.map((value) => (Array.isArray(value) ? value.map(Number) : []))
    if (answers.some(([lost = 0]) => lost > 0)) {
      this.#known.clear()
      return { status: 'lost' }
    }
    for (const [hash] of hashes) this.#known.set(hash, new Set(marks.map(({ name }) => name)))
    return { status: 'marked', isRead: answers.some(([, readers]) => readers === 1) }
  }
}
