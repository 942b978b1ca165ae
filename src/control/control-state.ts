import { type ControlAct, type ControlRecord, MAX_PAST, MAX_VERSION } from '../../schemas/control/control-record.ts'

/** `lost`: another record had this version before. `repeated`: it is in force already. */
export type Taken = 'taken' | 'repeated' | 'lost'

/**
 * The newest value of one setting, as its records tell in the order of the topic. The first record of a version counts,
 * so that of two operators who knew the same state the second one loses. A forced one takes the next version instead.
 */
export class ControlState {
  current: ControlRecord | undefined
  /**
   * Whether the topic's last record is not the one in force. Once the topic is compacted, nothing else would be left, so
   * somebody has to write the one in force again.
   */
  isHidden = false
  #refused: RefusedRecord | undefined
  #refusedVersion = 0
  #refusedId = ''
  #unread: string | undefined

  /** The newest version that was written, as far as is known. Others may have a record in force that is refused here. */
  get newest(): number {
    return Math.max(this.#refusedVersion, this.current?.version ?? 0)
  }

  /** The record that is in force for those who accept its value, which is not allowed here; undefined without one. */
  get refused(): RefusedRecord | undefined {
    const { current } = this
    return this.#refused !== undefined && this.#refused.record.version >= (current?.version ?? 0)
      ? this.#refused
      : undefined
  }

  /** Why the only records that there are could not be read, or are not allowed here; undefined if one is in force. */
  get unread(): string | undefined {
    return this.current === undefined ? (this.#unread ?? this.#refused?.why) : undefined
  }

  /** The value of the record is not allowed here. Others may accept it: both must not write theirs again for ever. */
  refuse(record: ControlRecord, why: string): void {
    const { id, version, forced } = record
    if (id !== this.#refusedId) this.hide()
    this.#refusedId = id
    const before = this.newest
    if (version > before || (forced === true && version === before)) this.#refused = { record, why }
    this.#refusedVersion = Math.max(this.#refusedVersion, version)
  }

  take(record: ControlRecord): Taken {
    const { version = 0, id } = this.current ?? {}
    if (record.id === id) {
      if (record.version > version) this.current = record
      this.isHidden = record.version < version
      return 'repeated'
    }
    const isForced = record.forced === true && record.version === version
    if (record.version <= version && !isForced && record.version < MAX_VERSION) {
      this.isHidden = true
      return 'lost'
    }
    this.isHidden = isForced
    this.current = isForced ? { ...recordAfter(this, record), version: after(version) } : record
    return 'taken'
  }

  /** The topic's last record cannot be read, for this reason, or says what is not allowed. */
  hide(unread?: string): void {
    this.#unread = unread ?? this.#unread
    if (this.current !== undefined) this.isHidden = true
  }
}

/** A record with a value that is not allowed here, and why. */
export interface RefusedRecord {
  readonly record: ControlRecord
  readonly why: string
}

/** The most characters of the values before; a record may have a million bytes. */
const MAX_PAST_CHARS = 128 * 1024

/**
 * The record in force, to be written once more: with the next version, it wins over those that lost, in whatever order both
 * are read. It forces nothing: whoever has set that version meanwhile knew what is written again.
 */
export function again({ forced: _, ...record }: ControlRecord): ControlRecord {
  const { version, setAs = version } = record
  return { ...record, version: after(version), setAs }
}

function after(version: number): number {
  return Math.min(version + 1, MAX_VERSION)
}

/** Whether whoever has seen this version, 0 for none, has seen what is in force. A record that is written again stays the same. */
export function isInForce(seen: number, current: ControlRecord | undefined): boolean {
  const { version = 0, setAs = version } = current ?? {}
  return setAs <= seen && seen <= version
}

/** What an operator asks for. */
export interface ControlAsk extends Omit<ControlAct, 'version'> {
  readonly id: string
  readonly forced?: boolean
}

/** The record that sets a value after the one that is in force, and after those that only others have in force. */
export function recordAfter(
  { current, newest }: Pick<ControlState, 'current' | 'newest'>,
  asked: ControlAsk,
): ControlRecord {
  const past = current === undefined ? [] : [actOf(current), ...(current.past ?? [])].slice(0, MAX_PAST)
  // A record that Kafka would not take could not be set, nor killed, any more.
  while (past.length > 0 && JSON.stringify(past).length > MAX_PAST_CHARS) past.pop()
  return { v: 1, version: after(newest), ...asked, ...(past.length > 0 && { past }) }
}

function actOf({ version, by, atMs, reason, value }: ControlRecord): ControlAct {
  return { version, by, atMs, ...(reason !== undefined && { reason }), value }
}
