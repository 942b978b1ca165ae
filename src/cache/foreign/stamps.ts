import { Alarm } from '../../alarm.ts'
import { monotonicMs } from '../../monotonic.ts'
import type { Timer } from '../../timer.ts'
import type { Deletions } from '../l2/deletions.ts'
import type { L2, StampOf } from '../l2/l2.ts'
import type { PushBack } from '../l2/push-back.ts'
import type { WriteBehind } from '../l2/write-behind.ts'
import { sourceName, sourceOfName } from '../sources/codes.ts'
import { NEVER, type Sources } from '../sources/sources.ts'

export interface StampsOptions {
  readonly sources: Sources
  readonly l2: Pick<L2, 'stamp'>
  readonly writeBehind: Pick<WriteBehind, 'settled' | 'lacks'>
  readonly pushBack: Pick<PushBack, 'round'>
  readonly deletions?: Pick<Deletions, 'pending'>
  /** Called when stamps cannot be set, once until they can again. */
  readonly onFailed?: (reason: string) => void
  readonly timer?: Timer
  /** Milliseconds of the clock of the sources' moments. */
  readonly now?: () => number
}

/** How often stamps are set while some node reads them, and while none does. */
const READ_EVERY_MS = 15
const UNREAD_EVERY_MS = 1_000
/** So long after somebody read them, or may have without L2 knowing it any more, they are set as if somebody did. */
const READ_FOR_MS = 3_000

/**
 * Tells other nodes how far this one has come with the partitions that it has: as of a source's stamp, all its values are in
 * L2. The moment is the one up to which the partition was read when everything that waited then began to be written.
 *
 * Beside the stamps, nodes tell each other of topics in which updates of one pair come from several partitions, and of pairs that
 * come from several topics.
 *
 * L2 may lose values: on a new connection, or when a stamp of ours is gone. Then all values are written to it again, and no
 * stamp is set until it has taken them.
 */
export class Stamps {
  readonly #options: StampsOptions
  readonly #now: () => number
  readonly #next: Alarm
  /** Rises whenever L2 may have lost values. */
  #losses = 1
  /** The losses that were made good. */
  #mended = 0
  #hasFailed = false
  #isClosed = false
  #readUntilMs = Number.NEGATIVE_INFINITY
  /** There is something to tell at once. */
  #isUrgent = false

  constructor(options: StampsOptions) {
    this.#options = options
    this.#now = options.now ?? monotonicMs
    this.#next = new Alarm(() => void this.#beat(), options.timer)
    options.sources.onFound = () => {
      this.#isUrgent = true
      if (this.#next.isSet) this.#next.set(1)
    }
  }

  start(): void {
    if (this.#options.l2.stamp !== undefined) this.#next.set(READ_EVERY_MS)
  }

  /** There is a new connection to L2, or another server behind it. */
  connected(): void {
    this.#lost()
    if (this.#next.isSet) this.#next.set(1)
  }

  close(): void {
    this.#isClosed = true
    this.#next.close()
  }

  async #beat(): Promise<void> {
    const startMs = this.#now()
    this.#isUrgent = false
    await this.#stamp()
    const everyMs = this.#now() < this.#readUntilMs || this.#isUrgent ? READ_EVERY_MS : UNREAD_EVERY_MS
    // Most of the time of a stamp is spent waiting for the next flush.
    if (!this.#isClosed) this.#next.set(Math.max(1, everyMs - (this.#now() - startMs)))
  }

  async #stamp(): Promise<void> {
    const { pushBack, writeBehind, deletions, l2, sources } = this.#options
    const losses = this.#losses
    if (this.#mended < losses) {
      if (!(await pushBack.round())) return
      this.#mended = losses
    }
    let stamps = new Map<number, StampOf>()
    const isSettled = await writeBehind.settled(() => {
      stamps = this.#stamps(losses)
    })
    if (losses !== this.#losses) return
    const isWhole = isSettled && (deletions?.pending ?? 0) === 0
    // Other nodes are heard, and told of topics that are one source, even if L2 lacks something.
    const told = sources.found().map((source): StampOf => ({ name: sourceName(source), ageMs: () => 0 }))
    for (const [id, stamp] of stamps) if (isWhole && !writeBehind.lacks(id)) told.push(stamp)
    const outcome = await l2.stamp?.(told)
    if (outcome?.status === 'lost') this.#lost()
    if (outcome?.status === 'stamped' && outcome.isRead) this.#goOn()
    if (outcome?.status === 'stamped') this.#hear(outcome.joined)
    const reason = outcome?.status === 'unavailable' ? outcome.reason : undefined
    if (reason !== undefined && !this.#hasFailed) this.#options.onFailed?.(reason)
    this.#hasFailed = reason !== undefined
  }

  /** What says that stamps are read may be lost, too. */
  #lost(): void {
    this.#losses++
    this.#goOn()
  }

  #goOn(): void {
    this.#readUntilMs = this.#now() + READ_FOR_MS
  }

  #hear(joined: readonly string[] = []): void {
    for (const name of joined) {
      const source = sourceOfName(name)
      if (source !== undefined) this.#options.sources.mergeTold(source.topic)
    }
  }

  /** What could be said, for each source. */
  #stamps(losses: number): Map<number, StampOf> {
    const { sources } = this.#options
    const stamps = new Map<number, StampOf>()
    for (const id of sources.followed()) {
      const source = sources.at(id)
      const asOfMs = sources.asOf(id)
      if (source === undefined || asOfMs === NEVER || sources.unkept.has(id)) continue
      // When it is sent, values may just have been lost.
      const ageMs = () => (losses === this.#losses ? this.#now() - asOfMs : Number.POSITIVE_INFINITY)
      stamps.set(id, { name: sourceName(source), ageMs })
    }
    return stamps
  }
}
