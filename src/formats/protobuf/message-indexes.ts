import { type Refused, refused } from '../../../schemas/refusal.ts'
import { WireReader } from './wire-reader.ts'

const MOST_INDEXES = 32
const FIRST: readonly number[] = [0]

/**
 * Which message of its schema a value is, as Confluent's serializers write it: how many indexes follow, and then those from
 * the outermost message to the innermost, all zigzag. A 0 alone, or nothing, is the first message.
 */
export function messageIndexes(
  bytes: Buffer,
  start: number,
): { readonly indexes: readonly number[]; readonly end: number } | Refused {
  if (bytes[start] === 0 || bytes.length === 0) return { indexes: FIRST, end: start + 1 }
  const reader = new WireReader(bytes, start)
  const count = zigzag(reader)
  if (!(count > 0 && count <= MOST_INDEXES)) return noIndexes(reader, `${count} message indexes`)
  const indexes: number[] = []
  for (let i = 0; i < count; i++) indexes.push(zigzag(reader))
  if (reader.fault !== undefined || indexes.some((index) => index < 0)) return noIndexes(reader, indexes.join('.'))
  return { indexes, end: reader.at }
}

function zigzag(reader: WireReader): number {
  reader.varint()
  // One of more than 32 bits would be taken for another.
  return reader.fault === undefined && reader.high === 0 ? (reader.low >>> 1) ^ -(reader.low & 1) : -1
}

function noIndexes({ fault }: WireReader, got: string): Refused {
  if (fault !== undefined) return refused('not-protobuf', `the indexes of the message: ${fault.detail}`)
  return refused('not-protobuf', `the indexes of the message: expected up to ${MOST_INDEXES} from 0 on, got ${got}`)
}
