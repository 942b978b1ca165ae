import type { Socket } from 'node:net'

/**
 * Begins one TLS handshake in each turn of the event loop, as each takes some tenths of a millisecond of it. The newest
 * connection comes first: a probe gets in while others open connections without end.
 */
export class Handshakes {
  readonly #begin: (socket: Socket) => void
  readonly #most: number
  /** The oldest first. */
  readonly #waiting: Socket[] = []
  #isPending = false

  constructor(begin: (socket: Socket) => void, most: number) {
    this.#begin = begin
    this.#most = most
  }

  add(socket: Socket): void {
    // It closes because of an error, and is passed over then.
    socket.on('error', () => {})
    this.#waiting.push(socket)
    if (this.#waiting.length > this.#most) this.#waiting.shift()?.destroy()
    if (!this.#isPending) this.#goOn()
  }

  closeAll(): void {
    for (const socket of this.#waiting.splice(0)) socket.destroy()
  }

  #goOn(): void {
    this.#isPending = true
    setImmediate(() => {
      this.#isPending = false
      let socket = this.#waiting.pop()
      while (socket?.destroyed) socket = this.#waiting.pop()
      if (socket === undefined) return
      this.#begin(socket)
      if (this.#waiting.length > 0) this.#goOn()
    })
  }
}
