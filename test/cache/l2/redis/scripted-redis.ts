import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** Gives the answer to a command as a line of the Redis protocol, or undefined for no answer at all. */
export type Script = (name: string, args: readonly string[]) => string | undefined

/**
 * A server that speaks the Redis protocol and answers as it is told. It does what a real Redis does only in a cluster, or
 * while it loads gigabytes. Its handshake is that of Redis 6.
 */
export class ScriptedRedis {
  /** Commands other than those of the handshake, in the order of their arrival. */
  readonly received: string[] = []
  connections = 0
  script: Script
  /** Accepts connections and never answers, not even the handshake. */
  isMute = false
  info = '$9\r\nloading:0'
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(script: Script) {
    this.script = script
    this.#server = createServer((socket) => this.#serve(socket))
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.connections++
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => undefined)
    let pending = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      pending = Buffer.concat([pending, bytes])
      for (;;) {
        const parsed = parseCommand(pending)
        if (parsed === undefined) return
        pending = pending.subarray(parsed.length)
        const answer = this.isMute ? undefined : this.#answer(parsed.words)
        if (answer !== undefined) socket.write(`${answer}\r\n`)
      }
    })
  }

  #answer([name = '', ...args]: readonly string[]): string | undefined {
    const command = name.toUpperCase()
    if (command === 'HELLO') return "-ERR unknown command 'HELLO'"
    if (command === 'CLIENT') return '+OK'
    if (command === 'INFO') return this.info
    // Each new connection reads the marker that tells whether Redis was emptied.
    if (command === 'GET') return '$6\r\nmarker'
    this.received.push(command)
    return this.script(command, args)
  }
}

function parseCommand(bytes: Buffer): { readonly words: string[]; readonly length: number } | undefined {
  let at = 0
  const line = (): string | undefined => {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return undefined
    const text = bytes.toString('latin1', at, end)
    at = end + 2
    return text
  }
  const count = line()
  if (count === undefined) return undefined
  const words: string[] = []
  for (let word = 0; word < Number(count.slice(1)); word++) {
    const size = line()
    if (size === undefined) return undefined
    const end = at + Number(size.slice(1))
    if (bytes.length < end + 2) return undefined
    words.push(bytes.toString('latin1', at, end))
    at = end + 2
  }
  return { words, length: at }
}
