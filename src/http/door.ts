import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Limits } from './limits.ts'
import { PacedSocket } from './paced-socket.ts'
import { Turns } from './turns.ts'

/** Node's own code for it. */
const TOO_SLOW = Object.assign(new Error('The request took too long'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })

/** Lets connections in, to an HTTP server that does not listen by itself, and closes those that take too long. */
export class Door {
  readonly #http: Server
  readonly #limits: Limits
  readonly #turns = new Turns()
  /** In the order in which they came. */
  readonly #inside = new Set<PacedSocket>()

  constructor(http: Server, limits: Limits) {
    this.#http = http
    this.#limits = limits
  }

  /**
   * A probe must get in although others hold all connections. So a connection too many takes the place of an older one
   * of its address, or of the address that has most.
   */
  admit(socket: Socket): void {
    const ofAddress = this.#byAddress().get(socket.remoteAddress) ?? []
    if (ofAddress.length >= this.#limits.connectionsPerAddress) this.#giveWay(ofAddress)
    else if (this.#inside.size >= this.#limits.connections) this.#giveWay(this.#largest())
    const paced = new PacedSocket(socket, this.#turns, this.#limits)
    this.#inside.add(paced)
    paced.once('close', () => this.#inside.delete(paced))
    this.#http.emit('connection', paced)
  }

  closeLate(): void {
    const nowMs = performance.now()
    for (const paced of this.#inside) {
      const stage = paced.lateStage(nowMs)
      if (stage === 'asking') this.#http.emit('clientError', TOO_SLOW, paced)
      else if (stage !== undefined) paced.destroy()
    }
  }

  closeAll(): void {
    for (const paced of this.#inside) paced.destroy()
  }

  #largest(): readonly PacedSocket[] {
    return [...this.#byAddress().values()].reduce((largest, next) => (next.length > largest.length ? next : largest))
  }

  #byAddress(): ReadonlyMap<string | undefined, readonly PacedSocket[]> {
    return Map.groupBy(this.#inside, ({ remoteAddress }) => remoteAddress)
  }

  /** Closes one of them: the oldest that is not being answered. */
  #giveWay(inside: readonly PacedSocket[]): void {
    const found = inside.find(({ isAnswering }) => !isAnswering) ?? inside[0]
    if (found === undefined) return
    this.#inside.delete(found)
    found.destroy()
  }
}
