import type { Batch, BatchContext } from '../../src/broker/port.ts'

export interface HandmadeRecord {
  /** Null for a tombstone. */
  readonly value: string | Buffer | null
  readonly key?: string | Buffer
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly timestampMs?: number
}

export interface BatchPlace {
  readonly topic?: string
  readonly partition?: number
  readonly baseOffset?: bigint
}

/** A batch of handmade records. */
export function batchOf(records: readonly HandmadeRecord[], place: BatchPlace = {}): Batch {
  const { topic = 'prices', partition = 0, baseOffset = 0n } = place
  const recordAt = (index: number): HandmadeRecord => {
    const record = records[index]
    if (record === undefined) throw new RangeError(`no record ${index} among ${records.length}`)
    return record
  }
  const bytesOf = (text: string | Buffer) => (typeof text === 'string' ? Buffer.from(text) : text)
  return {
    topic,
    partition,
    count: records.length,
    highWatermark: baseOffset + BigInt(records.length),
    stableEnd: baseOffset + BigInt(records.length),
    offset: (index) => baseOffset + BigInt(index),
    timestampMs: (index) => recordAt(index).timestampMs ?? 0,
    key: (index) => {
      const { key } = recordAt(index)
      return key === undefined ? undefined : bytesOf(key)
    },
    value: (index) => {
      const { value } = recordAt(index)
      return value === null ? undefined : bytesOf(value)
    },
    headers: (index) => (recordAt(index).headers ?? []).map(([name, value]) => [name, Buffer.from(value)] as const),
  }
}

/** A context that the test aborts, and that counts heartbeats. */
export interface HandmadeContext extends BatchContext {
  readonly heartbeats: number
  abort(): void
}

export function newContext(): HandmadeContext {
  const controller = new AbortController()
  let heartbeats = 0
  return {
    signal: controller.signal,
    heartbeat: async () => {
      heartbeats++
    },
    get heartbeats() {
      return heartbeats
    },
    abort: () => controller.abort(),
  }
}
