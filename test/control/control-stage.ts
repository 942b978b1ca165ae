import { Control, type ControlOptions, type ControlRefusal } from '../../node/control/control.ts'
import { type ControlRecord, controlKey, encodeControl } from '../../schemas/control/control-record.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'
import { virtualClock } from '../../src/clock.ts'
import type { Timer } from '../../src/timer.ts'

export const TOPIC = 'forewarm-control'

const isText = ({ is }: ControlRecord['value']) => (typeof is === 'string' ? undefined : 'is: expected a text')

/** A follower of the settings `mode` and `level`, whose values have a text `is`. */
export interface Follower {
  readonly control: Control
  readonly set: (readonly [setting: string, value: unknown])[]
  readonly refused: ControlRefusal[]
  is(): unknown
}

export interface ControlStage {
  readonly broker: MemoryBroker
  /** A follower that has read the topic to its end. */
  follower(service?: string, timer?: Timer, options?: Partial<ControlOptions>): Promise<Follower>
  /** Writes a record of the setting, whatever it says. */
  write(setting: string, value: Partial<ControlRecord> | string | null): Promise<void>
  /** The values of the topic's records, the first of them first. */
  stored(): Promise<readonly (Partial<ControlRecord> | undefined)[]>
}

export async function onControlStage(body: (stage: ControlStage) => Promise<void>): Promise<void> {
  const broker = createMemoryBroker({ partitions: { [TOPIC]: 1 } })
  const producer = broker.producer()
  await producer.connect()
  const opened: Control[] = []
  const follower: ControlStage['follower'] = async (service = 'default', timer, options = {}) => {
    const set: (readonly [string, unknown])[] = []
    const refused: ControlRefusal[] = []
    const control = new Control({
      ...{ broker, producer, topic: TOPIC, service, reader: `${opened.length}`, clock: virtualClock(1_000) },
      random: () => 0,
      ...(timer && { timer }),
      settings: { mode: isText, level: isText },
      onSet: (setting, { value }) => set.push([setting, value.is]),
      onRefused: (refusal) => refused.push(refusal),
      ...{ onEvent: () => undefined, ...options },
    })
    opened.push(control)
    await control.follow(AbortSignal.timeout(10_000))
    return { control, set, refused, is: () => control.current('mode')?.value.is }
  }
  const stored = async () => {
    const values: (Partial<ControlRecord> | undefined)[] = []
    const reader = broker.consumer({
      ...{ mode: 'broadcast', groupId: 'stored', topics: [TOPIC], start: { at: 'earliest' } },
      onBatch: async (batch) => {
        for (let at = 0; at < batch.count; at++) {
          const text = batch.value(at)?.toString() ?? ''
          values.push(text.startsWith('{') ? JSON.parse(text) : undefined)
        }
        return batch.count
      },
    })
    const [{ high } = { high: 0n }] = await withAdmin(broker, (admin) => admin.offsets(TOPIC))
    await reader.start()
    while (BigInt(values.length) < high) await new Promise(setImmediate)
    await reader.stop()
    return values
  }
  const write = async (setting: string, value: Partial<ControlRecord> | string | null) => {
    const bytes = value === null || typeof value === 'string' ? value : encodeControl({ ...RECORD, ...value })
    await producer.sendBatch(TOPIC, [{ partition: 0, key: controlKey('default', setting), value: bytes }])
  }
  try {
    await body({ broker, follower, write, stored })
  } finally {
    for (const control of opened) await control.close()
    await broker.close()
  }
}

const RECORD: ControlRecord = { v: 1, id: 'x', version: 1, by: 'ann', atMs: 1, value: { is: 'x' } }
