import { connect, createServer, type Socket } from 'node:net'
import { systemTimer } from '../../../src/timer.ts'

interface Link {
  readonly client: Socket
  readonly server: Socket
  /** It has subscribed to invalidation messages. */
  isTold: boolean
  held: Buffer[]
}

/** Stands between a reader and its Redis, and can hold back what Redis says. */
export class Relay {
  readonly #links = new Set<Link>()
  readonly #server = createServer((client) => this.#join(client))
  readonly #redisPort: number
  #holds: ((link: Link) => boolean) | undefined
  #delayMs = 0
  #isSwallowing = false
  url = ''

  constructor(redisUrl: string) {
    this.#redisPort = Number(new URL(redisUrl).port)
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    this.url = `redis://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    return this
  }

  /** Nothing that Redis says arrives on these connections any more, until `release`. */
  hold(which: 'told' | 'all'): void {
    this.#holds = which === 'all' ? () => true : ({ isTold }) => isTold
  }

  release(): void {
    this.#holds = undefined
    for (const link of this.#links) for (const bytes of link.held.splice(0)) link.client.write(bytes)
  }

  /** Answers to reads are late by so much; invalidation messages are not. */
  delayReads(ms: number): void {
    this.#delayMs = ms
  }

  cut(which: 'told' | 'all'): void {
    for (const link of this.#links) if (which === 'all' || link.isTold) link.client.destroy()
  }

  /** Invalidation messages get lost, as with a proxy that does not know of them. */
  swallow(isSwallowing: boolean): void {
    this.#isSwallowing = isSwallowing
  }

  async close(): Promise<void> {
    this.cut('all')
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    const server = connect(this.#redisPort, '127.0.0.1')
    const link: Link = { client, server, isTold: false, held: [] }
    this.#links.add(link)
    client.on('data', (bytes) => {
      if (bytes.includes('__redis__:invalidate')) link.isTold = true
      server.write(bytes)
    })
    server.on('data', (bytes) => this.#answer(link, bytes))
    const part = () => {
      this.#links.delete(link)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', part)
      socket.on('close', part)
    }
  }

  #answer(link: Link, bytes: Buffer): void {
    if (this.#isSwallowing && link.isTold && bytes.includes('\r\nmessage\r\n')) return
    if (this.#holds?.(link) === true || link.held.length > 0) link.held.push(bytes)
    else if (link.isTold || this.#delayMs === 0) link.client.write(bytes)
    else systemTimer(this.#delayMs, () => link.client.write(bytes))
  }
}
