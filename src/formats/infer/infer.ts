import type { KafkaRecord } from '../../kafka-record.ts'
import { FormatCheck, type FormatCheckReport } from '../format-check.ts'
import { Formats, formatRules } from '../formats.ts'
import { framedOf } from '../registry/wire-format.ts'
import { sampleOf } from './leaves.ts'
import { mappingOf, type Proposed } from './propose.ts'
import { shapesOf } from './shapes.ts'

export interface Inferred {
  /** What goes into the settings file under the topic; undefined if nothing fits. */
  readonly mapping: Readonly<Record<string, unknown>> | undefined
  /** What the mapping makes of the records it was inferred from. */
  readonly report: FormatCheckReport | undefined
  /** For each field where its value is, and what is there. */
  readonly fields: Proposed['fields']
  readonly unsure: readonly string[]
}

const MOST_TEXTS = 5

/**
 * Proposes how the records of a topic are read, from samples of them. What it is not sure of, it says. `areTimed`: the times
 * of the records are those of Kafka, so that the times in them are about the same.
 */
export function inferFormat(topic: string, records: readonly KafkaRecord[], { areTimed = true } = {}): Inferred {
  const values: unknown[] = []
  const texts = new Set<string>()
  const times: number[] = []
  for (const { value, timestampMs } of records) {
    if (value === undefined) continue
    const text = value.toString('utf8')
    try {
      values.push(sampleOf(text))
      times.push(timestampMs)
    } catch {
      texts.add(text.trim())
    }
  }
  const nothing = { mapping: undefined, report: undefined, fields: [] }
  if (values.length === 0) return { ...nothing, unsure: [`no record is JSON${schemaHint(records)}`] }
  const nearMs = times.sort((a, b) => a - b)[times.length >> 1] as number
  const isSkippable = texts.size <= MOST_TEXTS && texts.size < values.length
  const skipTexts = isSkippable ? [...texts].map((text) => ({ text })) : []
  let best: (Inferred & { readonly report: FormatCheckReport }) | undefined
  const missing = new Set<string>()
  for (const shape of shapesOf(values)) {
    const proposed = mappingOf(shape, { topic, nearMs, areTimed, hasKeys: hasNames(records), skipTexts })
    for (const role of proposed.missing) missing.add(role)
    if (proposed.mapping === undefined) continue
    const report = reportOf(topic, proposed.mapping, records)
    if (report === undefined || report.updates <= (best?.report.updates ?? 0)) continue
    best = { mapping: proposed.mapping, report, fields: proposed.fields, unsure: proposed.unsure }
  }
  const lacking = `no field looks like ${[...missing].join(', or like ')}`
  const apart = 'the fields that look like a pair, a price and a time are never in one record'
  return best ?? { ...nothing, unsure: [missing.size > 0 ? lacking : apart] }
}

function hasNames(records: readonly KafkaRecord[]): boolean {
  const keys = new Set(records.map(({ key }) => key?.toString('utf8')))
  return !keys.has(undefined) && keys.size > 1
}

function reportOf(topic: string, mapping: object, records: readonly KafkaRecord[]): FormatCheckReport | undefined {
  const faults: unknown[] = []
  const format = new Formats(formatRules({ [topic]: mapping }, faults as never)).of(topic)
  if (format === undefined) return undefined
  const check = new FormatCheck(topic, format)
  for (const record of records) check.add(record)
  return check.report
}

/** Records of a schema registry name their schema. */
function schemaHint(records: readonly KafkaRecord[]): string {
  const named = records.flatMap((record) => (record.value === undefined ? [] : [framedOf(record, record.value)]))
  if (named.length === 0 || named.some((each) => 'ok' in each)) return ''
  return ', but all name a schema, as Avro or Protobuf of a registry do: docs/formats.md, A schema registry'
}
