import type { ISocketFactory, KafkaConfig } from 'kafkajs'
import { BrokerError } from '../../port.ts'
import type { PasswordSasl } from '../client.ts'
import { FrameAssembler } from './frames.ts'
import { errorOfCode, type KafkaJsConnection, negotiate, newConnection, type Versions } from './kafkajs.ts'
import { ByteReader } from './reader.ts'
import { RequestWriter } from './writer.ts'

/** One request of the protocol in one version. A flexible version has compact lengths and tagged fields. */
export interface WireRequest<T> {
  readonly apiKey: number
  readonly apiName: string
  readonly version: number
  readonly isFlexible: boolean
  /** An upper bound for the bytes that `encode` writes. */
  readonly bytes: number
  encode(writer: RequestWriter): void
  /** `throttleMs` is what the answer says of it; KafkaJS's queue obeys. */
  decode(reader: ByteReader): { readonly throttleMs: number; readonly answer: T }
  /** Default: the connection's. */
  readonly timeoutMs?: number
}

export interface ConnectOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly ssl?: KafkaConfig['ssl']
  readonly sasl?: PasswordSasl | KafkaConfig['sasl']
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly socketFactory: ISocketFactory
}

/**
 * One connection to one broker, opened once and ended once: what comes after a broken one is a new one, so that nothing
 * of it survives. A request that is not answered in its time ends the connection, because whatever answers late would
 * hold up all that is behind it.
 */
export class WireConnection {
  readonly versions: Versions
  readonly #connection: KafkaJsConnection
  readonly #requestTimeoutMs: number
  #ended: Error | undefined
  #inFlight = 0
  #isRetired = false
  readonly #frames: FrameAssembler

  private constructor(connection: KafkaJsConnection, versions: Versions, requestTimeoutMs: number) {
    this.#connection = connection
    this.versions = versions
    this.#requestTimeoutMs = requestTimeoutMs
    this.#frames = new FrameAssembler((frame) =>
      connection.requestQueue.fulfillRequest({
        correlationId: frame.readInt32BE(0),
        payload: frame.subarray(4),
        size: frame.length,
      }),
    )
    this.#assembleFrames()
  }

  /** Connects, learns the broker's versions, logs in. Rejects with KafkaJS's errors. */
  static async open(options: ConnectOptions): Promise<WireConnection> {
    const { host, port, clientId, connectTimeoutMs, socketFactory, requestTimeoutMs } = options
    const { ssl = null, sasl = null } = options
    const connection = newConnection({
      ...{ host, port, clientId, ssl, sasl, socketFactory },
      connectionTimeout: connectTimeoutMs,
    })
    const { processData } = connection
    // Its socket reuses the memory, and KafkaJS keeps what it is given.
    connection.processData = (bytes) => processData.call(connection, Buffer.from(bytes))
    const timer = setTimeout(() => endSocket(connection, silent(options)), 2 * connectTimeoutMs)
    try {
      await connection.connect()
      const versions = await negotiate(connection)
      await connection.authenticate()
      return new WireConnection(connection, versions, requestTimeoutMs)
    } catch (error) {
      endSocket(connection, error instanceof Error ? error : new Error(String(error)))
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** False once it was ended, is broken, or its login runs out. */
  get isOpen(): boolean {
    const { sasl } = this.#connection
    return this.#ended === undefined && this.#connection.isConnected() && (!sasl || this.#connection.isAuthenticated())
  }

  /** Resolves to the answer as it was decoded, its error codes among it. Rejects where there is none. */
  async send<T>(request: WireRequest<T>): Promise<T> {
    if (this.#ended !== undefined) throw this.#ended
    const timeoutMs = request.timeoutMs ?? this.#requestTimeoutMs
    const timer = setTimeout(
      () => this.end(new Error(`${request.apiName} was not answered within ${timeoutMs} ms`)),
      timeoutMs,
    )
    this.#inFlight++
    try {
      return await this.#connection.send({
        request: {
          apiKey: request.apiKey,
          apiVersion: request.version,
          apiName: request.apiName,
          encode: async () => encoded(request),
        },
        response: { decode: async (bytes) => decoded(request, bytes), parse: async ({ answer }) => answer },
        logResponseError: false,
      })
    } finally {
      clearTimeout(timer)
      this.#inFlight--
      this.#endRetired()
    }
  }

  /** The memory that an answer's bytes lie in is not read any more: a later answer overwrites it. */
  free(answer: ArrayBufferLike): void {
    this.#frames.free(answer)
  }

  /** Ends the socket; requests that were not answered are rejected with the reason. Twice is once. */
  end(reason = new Error('the connection was closed')): void {
    this.#ended ??= reason
    endSocket(this.#connection, this.#ended)
  }

  /** Another takes its place: it ends when what was sent is answered. */
  retire(): void {
    this.#isRetired = true
    // Somebody may just have got it, and be about to send.
    setImmediate(() => this.#endRetired())
  }

  #endRetired(): void {
    if (this.#isRetired && this.#inFlight === 0) this.end()
  }

  /** KafkaJS's own way joins all chunks anew, and an exception in it would be nobody's. */
  #assembleFrames(): void {
    const connection = this.#connection
    const logIn = connection.processData.bind(connection)
    connection.processData = (bytes) => {
      try {
        if (connection.authHandlers) logIn(bytes)
        else this.#frames.take(bytes)
      } catch (error) {
        this.end(error instanceof Error ? error : new Error(String(error)))
      }
    }
  }
}

/** KafkaJS writes the header of a version that is not flexible: the flexible one's has empty tagged fields behind it. */
function encoded(request: WireRequest<unknown>): { buf: Buffer; buffer: Buffer; size(): number } {
  const writer = new RequestWriter(request.bytes + 1)
  if (request.isFlexible) writer.int8(0)
  request.encode(writer)
  const { written } = writer
  return { buf: written, buffer: written, size: () => written.length }
}

function decoded<T>(request: WireRequest<T>, bytes: Buffer): { clientSideThrottleTime: number; answer: T } {
  const reader = new ByteReader(bytes)
  if (request.isFlexible) reader.tags()
  const { throttleMs, answer } = request.decode(reader)
  return { clientSideThrottleTime: throttleMs, answer }
}

function silent({ host, port, connectTimeoutMs }: ConnectOptions): BrokerError {
  const message = `${host}:${port} takes connections and has not answered as a broker within ${2 * connectTimeoutMs} ms`
  return new BrokerError('unreachable', message, { retriable: true })
}

/** KafkaJS would first wait for every answer. */
function endSocket(connection: KafkaJsConnection, reason: Error): void {
  connection.connectionStatus = 'disconnected'
  connection.rejectRequests(reason)
  connection.requestQueue.destroy()
  connection.socket?.destroy()
}

/** Throws KafkaJS's error of a code, unless it is 0. */
export function assertNoError(code: number): void {
  if (code !== 0) throw errorOfCode(code)
}
