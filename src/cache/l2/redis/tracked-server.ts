import { type ChainableCommander, Redis } from 'ioredis'
import { monotonicMs } from '../../../monotonic.ts'
import { inTime, type Timer } from '../../../timer.ts'
import { commandOf } from './link.ts'

export interface TrackedServerOptions {
  readonly url: string
  readonly connectionName: string
  readonly commandTimeoutMs: number
  readonly timer: Timer
  readonly random: () => number
  /** A key that this server takes, to find out whether it tells of changes; undefined to take that for granted. */
  readonly testKey: string | undefined
  /** Reads are tracked from now on or, without tracking (`isTracking`), can be made. */
  readonly onArmed: () => void
  readonly onLost: () => void
  /** Keys that have changed; null if all have. */
  readonly onKeys: (keys: readonly Buffer[] | null) => void
  readonly onRefused: (reason: string) => void
}

const CHANNEL = '__redis__:invalidate'
const CONNECT_TIMEOUT_MS = 2_000
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 500
/** The first loss is mended at once. The next one waits so long and each further one twice as long, unless it was steady before. */
const FIRST_REST_MS = 250
const LONGEST_REST_MS = 5_000
const STEADY_MS = 5_000
const TEST_TTL_MS = 1_000
/** A command is given up after so many time-outs. What the fence waits for may take one. */
const PATIENCE = 4

/**
 * One server's two connections for tracked reads. What R reads, S is told of when it changes, once for each read:
 *
 *     S   CLIENT ID ── SUBSCRIBE __redis__:invalidate ◄── messages, PONG
 *     R   CLIENT TRACKING ON REDIRECT id of S ── MGET, stamps
 *
 * They speak RESP2, because the client gives the pushes of RESP3 to nobody. S subscribes first: Redis accepts a redirection
 * to a connection that does not listen, and then tells nobody. If one of them is lost, so is the other.
 */
export class TrackedServer {
  readonly #options: TrackedServerOptions
  readonly #told: Redis
  readonly #reads: Redis
  /** Counts arrangements, so that the end of an old one changes nothing. */
  #epoch = 0
  #isArmed = false
  #armedAtMs = Number.POSITIVE_INFINITY
  /** Since both connections were steady. */
  #losses = 0
  /** Arrangements that came to nothing since the last one that was made. Each keeps nobody from the next for long. */
  #failures = 0
  #isRefused = false
  #hasComplained = false
  #isSilent = false
  #isClosed = false
  /** The connection whose client id is known. Once it has subscribed, it cannot be asked. */
  #identified: unknown
  #clientId = 0
  #isTestTold = false

  constructor(options: TrackedServerOptions) {
    this.#options = options
    this.#told = this.#connection()
    this.#reads = this.#connection()
    this.#told.on('messageBuffer', (_: Buffer, keys: unknown) => this.#hear(keys))
  }

  open(): void {
    for (const redis of [this.#told, this.#reads]) redis.connect().catch(() => undefined)
  }

  get isArmed(): boolean {
    return this.#isArmed
  }

  isTracking = false

  /** A pipeline on R: each command's error and reply. Undefined if it cannot be sent, or is not answered in time. */
  async trip(enqueue: (pipeline: ChainableCommander) => void): Promise<readonly [Error | null, unknown][] | undefined> {
    if (!this.#isArmed) return undefined
    const pipeline = this.#reads.pipeline()
    enqueue(pipeline)
    return (await pipeline.exec().catch(() => null)) ?? undefined
  }

  /** Whether S has answered in time. All messages that were sent before have been heard then. */
  async pong(): Promise<boolean> {
    const { commandTimeoutMs: delayMs, timer } = this.#options
    const pong = this.#told.ping().then(
      () => true,
      () => false,
    )
    const outcome = await inTime(pong, 'late' as const, { delayMs, timer })
    if (outcome !== 'late') return outcome
    // If this thread has stood still, the answer may lie in the socket.
    return Promise.race([pong, readSockets()])
  }

  reset(): void {
    this.#lose()
    for (const redis of [this.#told, this.#reads]) if (redis.status === 'ready') redis.disconnect(true)
  }

  silence(isSilent: boolean): void {
    this.#isSilent = isSilent
    this.reset()
    this.#losses = 0
  }

  close(): void {
    this.#isClosed = true
    this.#isArmed = false
    for (const redis of [this.#told, this.#reads]) redis.disconnect()
  }

  #connection(): Redis {
    const { url, connectionName, commandTimeoutMs, random } = this.#options
    const options = {
      protocol: 2 as const,
      lazyConnect: true,
      connectionName,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      enableReadyCheck: false,
      maxRetriesPerRequest: 1,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // A thread that stands still for a moment does not lose what has been told meanwhile.
      commandTimeout: PATIENCE * commandTimeoutMs,
      disconnectTimeout: 0,
      retryStrategy: (attempt: number) =>
        Math.max(retryMs(attempt + this.#failures) * (0.5 + 0.5 * random()), this.#restMs),
    }
    const redis = new Redis(url, options)
    redis.on('error', (error: Error) => {
      // The close event follows. Whoever goes on without the database that was asked for reads another one.
      if (commandOf(error) !== 'select') return
      this.#failures++
      redis.disconnect(true)
    })
    redis.on('close', () => {
      // The next connection may have more rights, or lead to another server.
      if (this.#isArmed) this.#isRefused = false
      this.reset()
    })
    redis.on('ready', () => void this.#ready())
    return redis
  }

  #lose(): void {
    this.#epoch++
    const wasArmed = this.#isArmed
    this.#isArmed = false
    if (!wasArmed || this.#isClosed) return
    this.#losses = this.#isSteady ? 1 : this.#losses + 1
    this.#armedAtMs = Number.POSITIVE_INFINITY
    this.#options.onLost()
  }

  get #isSteady(): boolean {
    return monotonicMs() - this.#armedAtMs > STEADY_MS
  }

  get #restMs(): number {
    return this.#isSteady ? 0 : restMs(this.#losses)
  }

  async #ready(): Promise<void> {
    if (this.#isClosed || this.#reads.status !== 'ready' || this.#told.status !== 'ready') return
    const epoch = ++this.#epoch
    if (this.#isSilent || this.#isRefused) return this.#arm(false)
    try {
      await this.#track()
      if (epoch === this.#epoch) this.#arm(true)
    } catch (error) {
      if (epoch !== this.#epoch) return
      if (error instanceof NotTold || isRefusal(error)) this.#refuse(error.message)
      else {
        this.#failures++
        this.reset()
      }
    }
  }

  async #track(): Promise<void> {
    if (this.#identified !== this.#told.stream) {
      const { stream } = this.#told
      this.#clientId = Number(await this.#told.client('ID'))
      this.#identified = stream
    }
    await this.#told.subscribe(CHANNEL)
    await this.#reads.client('TRACKING', 'ON', 'REDIRECT', this.#clientId)
    await this.#test()
    // The fence asks this all the time.
    await this.#told.ping()
  }

  /** A proxy may answer OK and tell nothing. */
  async #test(): Promise<void> {
    const { testKey } = this.#options
    if (testKey === undefined) return
    this.#isTestTold = false
    await this.#reads.get(testKey)
    await this.#reads.set(testKey, '', 'PX', TEST_TTL_MS)
    // The message comes before the answer.
    await this.#told.ping()
    if (!this.#isTestTold) throw new NotTold('it accepts CLIENT TRACKING and tells of no change')
  }

  #arm(isTracking: boolean): void {
    this.#isArmed = true
    this.#failures = 0
    this.#armedAtMs = monotonicMs()
    this.isTracking = isTracking
    this.#options.onArmed()
  }

  /** Reads are made without tracking, on a connection that is not half set up. */
  #refuse(reason: string): void {
    if (!this.#hasComplained) this.#options.onRefused(reason)
    this.#hasComplained = true
    this.#isRefused = true
    this.reset()
  }

  #hear(keys: unknown): void {
    const changed = Array.isArray(keys) ? keys : null
    if (!this.#isArmed && changed?.some((key) => String(key) === this.#options.testKey)) this.#isTestTold = true
    this.#options.onKeys(changed)
  }
}

/** How long to wait at most after so many tries in vain: a server that goes on is found soon. */
export function retryMs(tries: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (tries - 1), LONGEST_RETRY_MS)
}

/** How long to wait after so many losses in close succession. */
export function restMs(losses: number): number {
  return losses < 2 ? 0 : Math.min(FIRST_REST_MS * 2 ** (losses - 2), LONGEST_REST_MS)
}

class NotTold extends Error {}

/** The server has answered with an error, so the connection is in order. */
export function isAnswer(error: Error): boolean {
  return error.name === 'ReplyError'
}

/** The server has answered that it does not do this, or not for this user, and not that it cannot do it yet. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && isAnswer(error) && !PASSING.test(error.message)
}

const PASSING = /^(?:LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|BUSY|NOAUTH)\b/

/** Resolves to false when what lies in the sockets now has been read. */
async function readSockets(): Promise<false> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
  return false
}
