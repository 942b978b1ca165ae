import type { ReplayRecord } from '../replay-record.ts'
import type { Line } from './lines.ts'

const CARRIAGE_RETURN = 0x0d

/** Makes a record of a topic whose value is the bytes of the line. It has no key, and this time. */
export function lineRecord(
  { number, bytes }: Pick<Line, 'number' | 'bytes'>,
  { topic, timestampMs }: Pick<ReplayRecord, 'topic' | 'timestampMs'>,
): ReplayRecord {
  const value = Buffer.from(bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes)
  return { topic, partition: 0, offset: BigInt(number - 1), timestampMs, key: undefined, value, headers: [] }
}
