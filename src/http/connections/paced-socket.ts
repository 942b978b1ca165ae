import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Limits } from './limits.ts'
import type { Paced, Turns } from './turns.ts'

const NOTHING = Buffer.alloc(0)
/** Ends the head of a request. A piece goes up to it, so that no piece begins more than one request. */
const HEAD_END = '\r\n\r\n'
const PROBE = /^(?:GET|HEAD) \/livez[ ?]/
const PROBE_BYTES = 12

/** Beyond this, what comes after the last answer stays in the kernel until the connection is closed. */
const MOST_THROWN_AWAY = 128 * 1024

type Stage = 'idle' | 'asking' | 'answering'

/**
 * Stands between a socket and Node's HTTP parser, which would begin every request of a received chunk at once, thousands
 * in 64 KiB. Here a request has to wait until the one before it is answered and its turn has come. The rest stays in the
 * kernel, where it stops the sender.
 */
export class PacedSocket extends Duplex implements Paced {
  readonly #socket: Socket
  readonly #turns: Turns
  readonly #limits: Limits
  /** Received, and not given to the parser. Nothing more is received until it is empty. */
  #held: Buffer = NOTHING
  #thrownAway = 0
  #hasEnded = false
  #isWanted = false
  #begun = 0
  /** The responses that are not yet given away, the earliest first. */
  readonly #responses = new Set<ServerResponse>()
  /** What the connection ends with, after the answers to requests that came whole. */
  #refusal: string | undefined
  #request: IncomingMessage | undefined
  #stage: Stage = 'idle'
  #sinceMs = performance.now()

  constructor(socket: Socket, turns: Turns, limits: Limits) {
    super({ allowHalfOpen: true })
    this.#limits = limits
    this.#socket = socket
    this.#turns = turns
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => {
      this.#hasEnded = true
      this.#goOn()
    })
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress
  }

  /** Whether a request of it is being answered. */
  get isAnswering(): boolean {
    return this.#stage === 'answering'
  }

  /** A probe goes first: it says whether the process has to be restarted. */
  get isUrgent(): boolean {
    return PROBE.test(this.#held.toString('latin1', 0, PROBE_BYTES))
  }

  /** The parser has begun a request. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    this.#responses.add(response)
    // Node's own limit goes on to answer every further request with 503.
    if (++this.#begun >= this.#limits.requestsPerConnection) response.setHeader('connection', 'close')
    this.#request = request
    response.once('close', () => {
      this.#responses.delete(response)
      this.#enter(this.#stageNow())
      if (this.#refusal !== undefined) this.#refuse(this.#refusal)
      this.#goOn()
    })
  }

  /** Ends the connection with an answer to what is no request, or does not end. It never gets into another answer. */
  refuse(answer: string): void {
    this.#refusal ??= answer
    this.#refuse(this.#refusal)
  }

  /** Whether it has been in one stage for too long: `asking` can be told so, the others are just closed. */
  lateStage(nowMs: number): Stage | undefined {
    const { idleMs, requestMs, answerMs } = this.#limits
    const stage = this.#stage === 'asking' && this.#hasAnswerUnderWay() ? 'answering' : this.#stage
    const limitMs = { idle: idleMs, asking: requestMs, answering: answerMs }[stage]
    return nowMs - this.#sinceMs > limitMs ? stage : undefined
  }

  step(): void {
    if (!this.#mayGoOn()) return
    const end = this.#held.indexOf(HEAD_END)
    const piece = end < 0 ? this.#held : this.#held.subarray(0, end + HEAD_END.length)
    this.#held = this.#held.subarray(piece.length)
    const wasReading = this.#request?.complete === false
    this.#isWanted = this.push(piece)
    if (this.#request?.complete && !this.isAnswering) {
      if (this.#responses.size > 0) this.#enter('answering')
      // The rest of a body whose request was answered before it ended.
      else if (wasReading && this.#held.length === 0) this.#enter('idle')
    }
    this.#goOn()
  }

  override _read(): void {
    this.#isWanted = true
    this.#goOn()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  /** What the caller still sends is thrown away: closing at once could take the answer from it. */
  override _final(done: (error?: Error | null) => void): void {
    this.#held = NOTHING
    this.#enter('idle')
    this.#socket.end(done)
    this.#socket.resume()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#turns.forget(this)
    this.#held = NOTHING
    this.#socket.destroy()
    done(error)
  }

  #receive(chunk: Buffer): void {
    if (this.writableEnded) {
      this.#thrownAway += chunk.length
      if (this.#thrownAway > MOST_THROWN_AWAY) this.#socket.pause()
      return
    }
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    this.#socket.pause()
    if (this.#stage === 'idle') this.#enter('asking')
    this.#goOn()
  }

  #goOn(): void {
    if (this.destroyed) return
    if (this.#held.length > 0) {
      if (this.#mayGoOn()) this.#turns.ask(this)
    } else if (!this.#hasEnded) {
      if (!this.writableEnded) this.#socket.resume()
    } else if (this.#parserWaits()) this.push(null)
  }

  /** Whether the parser may have more: the rest of the request that it is reading, or the next one. */
  #mayGoOn(): boolean {
    if (this.#held.length === 0 || !this.#isWanted || this.writableEnded || this.#refusal !== undefined) return false
    return this.#parserWaits()
  }

  /** A piece may end one request and begin the next, so an incomplete request may come behind one that is not answered. */
  #parserWaits(): boolean {
    return this.#responses.size === 0 || (this.#responses.size === 1 && this.#request?.complete === false)
  }

  /** Whether an answer has begun, or that to a request before the one that is being read is still owed. */
  #hasAnswerUnderWay(): boolean {
    return this.#responses.size > 1 || [...this.#responses].some(({ headersSent }) => headersSent)
  }

  #refuse(answer: string): void {
    const left = [...this.#responses]
    if (left.some(({ req }) => req.complete)) return
    if (this.#hasAnswerUnderWay()) this.destroy()
    else this.end(answer)
  }

  #stageNow(): Stage {
    if (this.#responses.size > 0) return this.#request?.complete === true ? 'answering' : 'asking'
    return this.#held.length > 0 ? 'asking' : 'idle'
  }

  #enter(stage: Stage): void {
    this.#stage = stage
    this.#sinceMs = performance.now()
  }
}
