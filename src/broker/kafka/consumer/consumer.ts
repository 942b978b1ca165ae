import { setTimeout as delay } from 'node:timers/promises'
import { partitionName } from '../../partition-name.ts'
import type { BrokerError, Consumer, ConsumerHealth, PartitionLag, TopicPartition } from '../../port.ts'
import { closed } from '../../port.ts'
import type { KafkaClient } from '../client.ts'
import { messageOf, toBrokerError } from '../errors.ts'
import type { Membership } from './membership.ts'
import { assertTopics } from './preflight.ts'
import { KafkaSession } from './session.ts'

const DRAIN_MS = 5000
/** Joining may fail for reasons that pass in a moment: a coordinator that is being elected, a group that settles. */
const START_ATTEMPTS = 3
/** Restarts in a row after which it counts as failed; it goes on trying, but somebody should look. */
const FAILED_AFTER = 8

/**
 * A member of a group, whatever happens to the KafkaJS consumers behind it: one that crashed is replaced, after a delay
 * that doubles, for as long as it takes. Started once and stopped once.
 */
export class KafkaConsumer implements Consumer {
  readonly #connect: () => KafkaClient
  readonly #membership: Membership
  readonly #stopping = new AbortController()
  /** Asks about the topics, before there is a session. */
  #preflight: KafkaClient | undefined
  #session: KafkaSession | undefined
  #started: Promise<void> | undefined
  #supervised: Promise<void> | undefined
  #stopped: Promise<void> | undefined

  /** `connect` makes the client of one session. */
  constructor(connect: () => KafkaClient, membership: Membership) {
    this.#connect = connect
    this.#membership = membership
  }

  get isClosed(): boolean {
    return this.#stopped !== undefined && this.#membership.state === 'stopped'
  }

  start(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(closed('the consumer was stopped: make a new one'))
    this.#started ??= this.#join()
    return this.#started
  }

  stop({ drainMs = DRAIN_MS }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#leave()
    void this.#session?.stop(drainMs)
    return this.#stopped
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#membership.paused.add(partitionName(partition))
    this.#session?.assignment?.hold(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#membership.paused.delete(partitionName(partition))
    this.#session?.assignment?.release(partitions)
  }

  lag(): readonly PartitionLag[] {
    return this.#session?.assignment?.cursors.lag() ?? []
  }

  health(): ConsumerHealth {
    const { state, epoch, restarts } = this.#membership
    return { state, epoch, restarts, assigned: this.#session?.assignment?.partitions ?? [] }
  }

  async #join(): Promise<void> {
    const membership = this.#membership
    membership.state = 'joining'
    try {
      const client = this.#connect()
      this.#preflight = client
      await assertTopics(client, membership.options.topics).finally(() => client.sockets.destroyAll())
      for (let attempt = 1; ; attempt++) {
        const failure = await this.#attempt()
        if (failure === undefined) break
        if (!failure.retriable || attempt === START_ATTEMPTS) throw failure
        await delay(membership.restartMs(attempt), undefined, { signal: this.#stopping.signal })
      }
    } catch (error) {
      if (this.#stopping.signal.aborted) throw closed('stopped before the group was joined')
      membership.state = 'stopped'
      this.#started = undefined
      throw toBrokerError(error, 'starting a consumer')
    }
    this.#supervised = this.#supervise()
  }

  /** Undefined when the group is joined and the first assignment handed over. */
  async #attempt(): Promise<BrokerError | undefined> {
    if (this.#stopping.signal.aborted) return closed('stopped before the group was joined')
    const session = new KafkaSession(this.#connect(), this.#membership)
    this.#session = session
    try {
      await session.start()
      return undefined
    } catch (error) {
      await session.stop()
      return toBrokerError(error, 'joining')
    }
  }

  async #supervise(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const session = this.#session
      const reason = await session?.ended
      if (this.#stopping.signal.aborted) return
      this.#membership.state = 'restarting'
      const isAway = toBrokerError(reason, 'consuming').code === 'unreachable'
      if (isAway) this.#membership.emit({ type: 'disconnected', reason: messageOf(reason) })
      // Waits for the batch in hand, however long: its partition must not have a second handler.
      await session?.stop()
      await this.#restart(reason)
      if (isAway && !this.#stopping.signal.aborted) this.#membership.emit({ type: 'reconnected' })
    }
  }

  async #restart(reason: unknown): Promise<void> {
    let failure = reason
    for (let failures = 0; !this.#stopping.signal.aborted; failures++) {
      const delayMs = this.#membership.restartMs(failures)
      this.#membership.state = failures < FAILED_AFTER ? 'restarting' : 'failed'
      this.#membership.reportFailure(failure, delayMs)
      await delay(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      failure = await this.#attempt()
      if (failure === undefined) return
    }
  }

  async #leave(): Promise<void> {
    this.#stopping.abort()
    // A broker that hangs would be waited for as long as a request may take.
    this.#preflight?.sockets.destroyAll()
    await this.#session?.stop()
    await this.#started?.catch(() => undefined)
    await this.#supervised
    await this.#session?.stop()
    this.#membership.state = 'stopped'
  }
}
