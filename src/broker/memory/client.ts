import { closed } from '../port.ts'
import type { MemoryCluster } from './cluster.ts'

/** What an admin and a producer have in common: they use the cluster from `connect` to `close`, and never again. */
export class MemoryClient {
  readonly #cluster: MemoryCluster
  readonly #kind: 'admin' | 'producer'
  #state: 'new' | 'connected' | 'closed' = 'new'

  constructor(cluster: MemoryCluster, kind: 'admin' | 'producer') {
    this.#cluster = cluster
    this.#kind = kind
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  async connect(): Promise<void> {
    if (this.isClosed) throw closed(`the ${this.#kind} was closed: make a new one`)
    this.#cluster.assertUsable()
    this.#state = 'connected'
  }

  async close(): Promise<void> {
    this.#state = 'closed'
  }

  /** Throws `closed` or `unreachable`. */
  protected usable(): MemoryCluster {
    if (this.#state !== 'connected') throw closed(`the ${this.#kind} is ${this.#state}, connected expected`)
    this.#cluster.assertUsable()
    return this.#cluster
  }
}
