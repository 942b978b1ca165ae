import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import { ByteWriter } from '../../../../src/broker/kafka/wire/byte-writer.ts'
import { SELF_SIGNED } from '../../../harness/self-signed.ts'

const API_VERSIONS = 18
const SASL_HANDSHAKE = 17
const SASL_AUTHENTICATE = 36
/** Nothing of ours has it. */
export const ECHO = 900

export interface Arrived {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  /** Behind the header of version 1. */
  readonly body: Buffer
}

/** A broker that answers logins as Kafka does, and everything else as it is told. It writes every answer in two pieces. */
export class ScriptedBroker {
  readonly arrived: Arrived[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  answersLogins = true
  /** The lowest and the highest version of further requests. */
  versions: Readonly<Record<number, readonly [number, number]>> = {}
  #written: Promise<void> = Promise.resolve()
  /** The bytes behind the correlation id; undefined: no answer. */
  answer: (request: Arrived) => Buffer | undefined = ({ body }) => body

  constructor({ tls = false } = {}) {
    this.#server = tls ? createTlsServer(SELF_SIGNED) : createServer()
    this.#server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => this.#serve(socket))
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** Sends these bytes to all who are connected, whether they asked or not. */
  send(bytes: Buffer): void {
    for (const socket of this.#sockets) socket.write(bytes)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => undefined)
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const end = 4 + bytes.readInt32BE(0)
        this.#handle(socket, bytes.subarray(4, end))
        bytes = bytes.subarray(end)
      }
    })
  }

  #handle(socket: Socket, bytes: Buffer): void {
    const clientIdBytes = Math.max(0, bytes.readInt16BE(8))
    const request = {
      ...{ apiKey: bytes.readInt16BE(0), version: bytes.readInt16BE(2), correlationId: bytes.readInt32BE(4) },
      body: bytes.subarray(10 + clientIdBytes),
    }
    this.arrived.push(request)
    const body = (this.answersLogins ? this.#loginAnswer(request) : undefined) ?? this.answer(request)
    if (body !== undefined)
      this.#written = this.#written.then(() => writeInPieces(socket, framed(request.correlationId, body)))
  }

  #loginAnswer({ apiKey }: Arrived): Buffer | undefined {
    const writer = new ByteWriter(200)
    writer.int16(0)
    if (apiKey === API_VERSIONS) {
      const known = [API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE, ECHO].map((key) => [key, 0, 1])
      const keys = [...known, ...Object.entries(this.versions).map(([key, range]) => [Number(key), ...range])]
      writer.int32(keys.length)
      for (const value of keys.flat()) writer.int16(value)
      writer.int32(0)
      return writer.written
    }
    if (apiKey === SASL_HANDSHAKE) {
      writer.int32(1)
      writer.int16(5)
      writer.bytes(Buffer.from('PLAIN'))
      return writer.written
    }
    if (apiKey !== SASL_AUTHENTICATE) return undefined
    // No error message, no bytes, and a session without an end.
    writer.int16(-1)
    writer.int32(0)
    writer.int64(0n)
    return writer.written
  }
}

async function writeInPieces(socket: Socket, answer: Buffer): Promise<void> {
  socket.write(answer.subarray(0, 6))
  await nextTurn()
  socket.write(answer.subarray(6))
}

export function framed(correlationId: number, body: Buffer): Buffer {
  const writer = new ByteWriter(8 + body.length)
  writer.int32(4 + body.length)
  writer.int32(correlationId)
  writer.bytes(body)
  return writer.written
}
