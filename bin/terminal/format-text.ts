import type { FormatCheckReport } from '../../src/formats/format-check.ts'

/** The first records take longer, until the code is compiled. */
const ENOUGH = 500

/** What a format makes of records, for people. */
export function* formatText(report: FormatCheckReport): Iterable<string> {
  const { topic, format, records, updates, pairs, deleted, skipped, rounded, refused, examples } = report
  const speed = records < ENOUGH ? '' : `   (${report.microsecondsARecord.toFixed(1)} µs a record)`
  if (records === 0) {
    yield `there is no record in ${topic}`
    return
  }
  const bad = refused.reduce((sum, { records: of }) => sum + of, 0)
  const words = [
    `${updates} updates of ${pairs} pairs`,
    ...(deleted > 0 ? [`${deleted} deletions`] : []),
    `${skipped} skipped`,
    `${bad} refused`,
  ]
  const by = format === 'forewarm' ? 'our own format, as no other names it' : format
  yield `${topic}, read by ${by}`
  yield `${records} records: ${words.join(', ')}${speed}`
  if (rounded > 0) yield `${rounded} updates have a number of more digits than a double holds`
  for (const update of examples) yield `  ${JSON.stringify(update)}`
  for (const { reason, records: of, first } of refused)
    yield `refused, ${reason}: ${of}; the first is ${first.partition}/${first.offset}: ${first.detail}`
}
