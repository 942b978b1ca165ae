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
  /** Each address's, in the order in which they came. */
  readonly #inside = new Map<string, Set<PacedSocket>>()
  #count = 0

  constructor(http: Server, limits: Limits) {
    this.#http = http
    this.#limits = limits
  }

  /**
   * A probe must get in although others hold all connections. So a connection too many takes the place of an older one
   * of its address, or of the address that has most.
   */
  admit(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    const ofAddress = this.#inside.get(address) ?? new Set()
    if (ofAddress.size >= this.#limits.connectionsPerAddress) this.#giveWay(address)
    else if (this.#count >= this.#limits.connections) this.#giveWay(this.#largest())
    const paced = new PacedSocket(socket, this.#turns, this.#limits)
    this.#inside.set(address, ofAddress.add(paced))
    this.#count++
    paced.once('close', () => this.#forget(address, paced))
    this.#http.emit('connection', paced)
  }

  /** Whether callers wait, or have a moment ago. */
  get isAsked(): boolean {
    return this.#turns.isAsked
  }

  closeLate(): void {
    const nowMs = performance.now()
    for (const paced of this.#all()) {
      const stage = paced.lateStage(nowMs)
      if (stage === 'asking') this.#http.emit('clientError', TOO_SLOW, paced)
      else if (stage !== undefined) paced.destroy()
    }
  }

  closeAll(): void {
    for (const paced of this.#all()) paced.destroy()
  }

  #all(): readonly PacedSocket[] {
    return [...this.#inside.values()].flatMap((ofAddress) => [...ofAddress])
  }

  #largest(): string {
    const [first = ['', new Set()], ...others] = this.#inside
    return others.reduce((largest, next) => (next[1].size > largest[1].size ? next : largest), first)[0]
  }

  /** Closes one of the address: the oldest that is not being answered. */
  #giveWay(address: string): void {
    const all = [...(this.#inside.get(address) ?? [])]
    const found = all.find(({ isAnswering }) => !isAnswering) ?? all[0]
    if (found === undefined) return
    this.#forget(address, found)
    found.destroy()
  }

  #forget(address: string, paced: PacedSocket): void {
    const ofAddress = this.#inside.get(address)
    if (ofAddress?.delete(paced)) this.#count--
    if (ofAddress?.size === 0) this.#inside.delete(address)
  }
}
