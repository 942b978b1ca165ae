import { BrokerError } from '../../port.ts'
import type { ClientOptions } from '../client.ts'
import { createSockets } from '../socket.ts'
import { WireConnection, type WireRequest } from './connection.ts'
import { METADATA, type Metadata, metadataRequest, type NodeAddress } from './metadata.ts'

/**
 * A connection of its own for what would hold up others: a fetch waits for records, a join for all members of a group.
 */
export type Purpose = 'ask' | 'fetch' | 'join' | 'beat' | 'produce'

interface Opened {
  readonly connection: Promise<WireConnection>
  /** Undefined while it opens. */
  open: WireConnection | undefined
}

const CONNECT_TIMEOUT_MS = 3_000
const REQUEST_TIMEOUT_MS = 30_000
/** Any broker tells: one that hangs is not waited for as long as for what it alone can do. */
const METADATA_TIMEOUT_MS = 3_000

/** The brokers of one cluster as one client sees them: their addresses, and a connection to each for each purpose. */
export class Cluster {
  readonly #options: ClientOptions
  readonly #sockets = createSockets({ reusesMemory: true })
  readonly #nodes = new Map<number, NodeAddress>()
  readonly #opened = new Map<string, Opened>()
  /** Which of the configured brokers is asked next. */
  #nextSeed = 0
  #isClosed = false

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Asks about the topics that were named, or about all. Learns the brokers' addresses from it. */
  async metadata(topics?: readonly string[]): Promise<Metadata> {
    const connection = await this.anyone()
    const request = metadataRequest(versionOf(connection, METADATA, 'Metadata'), topics)
    const { requestTimeoutMs = METADATA_TIMEOUT_MS } = this.#options
    const timeoutMs = Math.min(requestTimeoutMs, METADATA_TIMEOUT_MS)
    const metadata = await connection.send({ ...request, timeoutMs })
    for (const node of metadata.nodes) {
      const known = this.#nodes.get(node.id)
      if (known !== undefined && (known.host !== node.host || known.port !== node.port)) this.forget(node.id)
      this.#nodes.set(node.id, node)
    }
    return metadata
  }

  /** Sends to that broker. Rejects where it is not known, or cannot be reached. */
  async send<T>(node: number, purpose: Purpose, request: (connection: WireConnection) => WireRequest<T>): Promise<T> {
    const connection = await this.connection(node, purpose)
    return connection.send(request(connection))
  }

  connection(node: number, purpose: Purpose): Promise<WireConnection> {
    const address = this.#nodes.get(node)
    if (address === undefined) return Promise.reject(unreachable(`broker ${node} is not known`))
    return this.#connected(`${node}/${purpose}`, address)
  }

  /** A connection to any broker: one that is open, or to the next that answers. */
  async anyone(): Promise<WireConnection> {
    for (const [name, { open }] of this.#opened) if (open?.isOpen && mayAsk(name)) return open
    let failure: unknown
    for (const { host, port } of [...this.#seeds(), ...this.#nodes.values()]) {
      try {
        return await this.#connected(`${host}:${port}`, { host, port })
      } catch (error) {
        failure = error
      }
      if (this.#isClosed) break
    }
    throw failure
  }

  /** Ends the connections to a broker that is somewhere else now, or does not answer. */
  forget(node: number): void {
    for (const [name, { connection }] of this.#opened) {
      if (!name.startsWith(`${node}/`)) continue
      this.#opened.delete(name)
      connection.then((open) => open.end()).catch(() => undefined)
    }
  }

  /** Ends all connections; what waits for an answer is rejected. Twice is once. */
  close(): void {
    this.#isClosed = true
    for (const { open } of this.#opened.values()) open?.end(clusterClosed())
    this.#opened.clear()
    this.#sockets.destroyAll()
  }

  #connected(name: string, { host, port }: Pick<NodeAddress, 'host' | 'port'>): Promise<WireConnection> {
    if (this.#isClosed) return Promise.reject(clusterClosed())
    const known = this.#opened.get(name)
    if (known !== undefined && (known.open === undefined || known.open.isOpen)) return known.connection
    known?.open?.retire()
    const {
      clientId,
      ssl,
      sasl,
      connectTimeoutMs = CONNECT_TIMEOUT_MS,
      requestTimeoutMs = REQUEST_TIMEOUT_MS,
    } = this.#options
    const connection = WireConnection.open({
      ...{ host, port, clientId, connectTimeoutMs, requestTimeoutMs, socketFactory: this.#sockets.factory },
      ...(ssl !== undefined && { ssl }),
      ...(sasl !== undefined && { sasl }),
    })
    const opened: Opened = { connection, open: undefined }
    this.#opened.set(name, opened)
    connection.then(
      (open) => {
        opened.open = open
        if (this.#isClosed) open.end(clusterClosed())
      },
      () => {
        if (this.#opened.get(name) === opened) this.#opened.delete(name)
      },
    )
    return connection
  }

  #seeds(): { readonly host: string; readonly port: number }[] {
    const { brokers } = this.#options
    const first = this.#nextSeed++
    return brokers.map((_, at) => addressOf(brokers[(first + at) % brokers.length] as string))
  }
}

/** False for a connection on which a request may wait: what asks behind it would wait as long. */
function mayAsk(name: string): boolean {
  return !name.endsWith('/join') && !name.endsWith('/fetch') && !name.endsWith('/produce')
}

/** The highest version of a request that both sides know. Throws `refused` where there is none. */
export function versionOf(
  { versions }: Pick<WireConnection, 'versions'>,
  known: { readonly apiKey: number; readonly lowest: number; readonly highest: number },
  name: string,
): number {
  const range = versions[known.apiKey]
  const version = Math.min(known.highest, range?.maxVersion ?? -1)
  if (range !== undefined && version >= Math.max(known.lowest, range.minVersion)) return version
  const spoken = range === undefined ? 'none' : `${range.minVersion} to ${range.maxVersion}`
  const message = `${name}: expected a broker that takes version ${known.lowest} to ${known.highest}, this one takes ${spoken} (Kafka 2.6 or newer is needed)`
  throw new BrokerError('refused', message, { retriable: false })
}

/** The port is behind the last colon: an IPv6 address has others. */
function addressOf(broker: string): { readonly host: string; readonly port: number } {
  const colon = broker.lastIndexOf(':')
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) }
}

function unreachable(message: string): BrokerError {
  return new BrokerError('unreachable', message, { retriable: true })
}

function clusterClosed(): BrokerError {
  return new BrokerError('closed', 'this client was closed', { retriable: false })
}
