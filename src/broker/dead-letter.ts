import type { Headers } from './port.ts'

/** The headers of a dead letter. Spring for Apache Kafka gives them the same names, so that its tools read them. */
export const LETTER_HEADERS = {
  topic: 'kafka_dlt-original-topic',
  partition: 'kafka_dlt-original-partition',
  offset: 'kafka_dlt-original-offset',
  timestamp: 'kafka_dlt-original-timestamp',
  group: 'kafka_dlt-original-consumer-group',
  exception: 'kafka_dlt-exception-fqcn',
  message: 'kafka_dlt-exception-message',
  reason: 'forewarm-error-code',
  attempts: 'forewarm-attempts',
  firstFailureMs: 'forewarm-first-failure-ms',
  version: 'forewarm-version',
} as const

/** Says why a record was refused, and where it stood. */
export interface LetterOrigin {
  readonly reason: string
  readonly detail: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** The refused record's own time, in milliseconds since the epoch. */
  readonly timestampMs: number
  readonly group?: string
  readonly attempts?: number
  /** When it was refused first, in milliseconds since the epoch. */
  readonly firstFailureMs?: number
}

/** The origin that a dead letter's headers tell; undefined if the record is no dead letter. Later headers count. */
export function letterOrigin(headers: Headers): LetterOrigin | undefined {
  const bytesOf = (name: keyof typeof LETTER_HEADERS) =>
    headers.findLast(([header]) => header === LETTER_HEADERS[name])?.[1]
  const textOf = (name: keyof typeof LETTER_HEADERS) => bytesOf(name)?.toString('utf8')
  const topic = textOf('topic')
  const [partition, offset, timestamp] = [bytesOf('partition'), bytesOf('offset'), bytesOf('timestamp')]
  if (topic === undefined || partition?.length !== 4 || offset?.length !== 8) return undefined
  const [group, attempts, firstFailureMs] = [textOf('group'), textOf('attempts'), textOf('firstFailureMs')]
  return {
    reason: textOf('reason') ?? textOf('exception') ?? 'unknown',
    detail: textOf('message') ?? '',
    topic,
    partition: partition.readInt32BE(),
    offset: offset.readBigInt64BE(),
    timestampMs: timestamp?.length === 8 ? Number(timestamp.readBigInt64BE()) : 0,
    ...(group !== undefined && { group }),
    ...(attempts !== undefined && { attempts: Number(attempts) }),
    ...(firstFailureMs !== undefined && { firstFailureMs: Number(firstFailureMs) }),
  }
}
