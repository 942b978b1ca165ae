import type { FormatCheckReport } from '../../src/formats/format-check.ts'
import type { Inferred } from '../../src/formats/infer/infer.ts'
import { mostAlike } from '../../src/nearest.ts'

/** The first records take longer, until the code is compiled. */
const ENOUGH = 500

interface CheckTextOptions {
  /** The records are lines of it. */
  readonly file: string | undefined
  /** The topics that formats name. */
  readonly others?: readonly string[]
}

/** What a format makes of records, for people. */
export function* checkText(report: FormatCheckReport, { file, others = [] }: CheckTextOptions): Iterable<string> {
  const { topic, format, records, updates, pairs, deleted, skipped, rounded, refused, examples } = report
  const speed = records < ENOUGH ? '' : `   (${report.microsecondsARecord.toFixed(1)} µs a record)`
  if (records === 0) {
    yield `there is no record in ${topic}`
    return
  }
  const bad = refused.reduce((sum, { records: of }) => sum + of, 0)
  const words = [
    `${many(updates, 'update')} of ${many(pairs, 'pair')}`,
    ...(deleted > 0 ? [many(deleted, 'deletion')] : []),
    `${skipped} skipped`,
    `${bad} refused`,
  ]
  const isOwn = format === 'forewarm'
  yield `${topic}, read by ${isOwn ? 'our own format' : format}`
  if (isOwn && bad > 0) yield formatsText(topic, others)
  yield `${many(records, 'record')}: ${words.join(', ')}${speed}`
  if (rounded > 0) yield `${many(rounded, 'update')} with a number of more digits than a double holds`
  for (const update of examples) yield `  ${JSON.stringify(update)}`
  for (const { reason, records: of, first } of refused) {
    const place = file === undefined ? `${first.partition}/${first.offset}` : `line ${BigInt(first.offset) + 1n}`
    yield `refused, ${reason}: ${of}; the first is ${place}: ${first.detail}`
  }
}

function many(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

const SHOWN_TOPICS = 10

/** What to look at if records do not have our own format. `others`: the topics that formats name. */
function formatsText(topic: string, others: readonly string[]): string {
  if (others.length === 0) return `no topic has a format: forewarm format infer ${topic} proposes one`
  return `formats are there for ${mostAlike(topic, others, SHOWN_TOPICS).join(', ')}`
}

const FIELD_WIDTH = 14
const FROM_WIDTH = 34

/** What a format that was inferred says, for people, and what to write where. */
export function* inferText(
  topic: string,
  { records, file }: { readonly records: number; readonly file?: string | undefined },
  { mapping, report, fields, unsure }: Inferred,
): Iterable<string> {
  yield `looked at ${many(records, 'record')} of ${topic}`
  for (const { field, from, examples } of mapping === undefined ? [] : fields)
    yield `  ${field.padEnd(FIELD_WIDTH)}${from.padEnd(FROM_WIDTH)} ${examples.join('  ')}`.trimEnd()
  for (const words of unsure) yield `unsure        ${words}`
  if (mapping === undefined || report === undefined) {
    yield 'no mapping was found: docs/formats.md tells how to write one, or a function'
    return
  }
  yield* checkText(report, { file })
  yield 'write this to forewarm.config.json, beside what it has, and look at it with forewarm format check:'
  yield JSON.stringify({ formats: { [topic]: mapping } }, undefined, 2)
}
