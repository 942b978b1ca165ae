import type { Decoded } from '../../src/formats/format.ts'
import { Formats, formatRules } from '../../src/formats/formats.ts'
import type { MappingFault } from '../../src/formats/mapping/mapping-fault.ts'
import type { KafkaRecord } from '../../src/kafka-record.ts'

/** 2026-07-10T08:00:00.123Z */
export const AT_MS = 1_783_670_400_123

export function problemsOf(formats: unknown): readonly MappingFault[] {
  const problems: MappingFault[] = []
  formatRules(formats, problems)
  return problems
}

export interface Came extends Partial<Omit<KafkaRecord, 'value' | 'key'>> {
  readonly key?: string
}

/** Decodes values of a topic by a mapping of the settings: objects as JSON, texts as they are. */
export function decoder(mapping: object | string, topics = 'prices.x') {
  const problems: MappingFault[] = []
  const formats = new Formats(formatRules({ [topics]: mapping }, problems))
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return (value: unknown, { key, ...came }: Came = {}): Decoded => {
    const topic = came.topic ?? topics
    const format = formats.of(topic)
    if (format === undefined) throw new Error(`no format for ${topic}`)
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return format.decode({
      topic,
      partition: 0,
      offset: 0n,
      timestampMs: AT_MS,
      headers: [],
      ...came,
      key: key === undefined ? undefined : Buffer.from(key),
      value: value === undefined ? undefined : Buffer.from(text),
    })
  }
}
