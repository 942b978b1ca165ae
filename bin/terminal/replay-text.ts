import type { NodeStats } from '../../index.ts'
import type { DetectorStats } from '../../src/detect/runner.ts'
import type { RecordReport } from '../../src/replay/record.ts'
import type { ReplayReport } from '../../src/replay/report.ts'
import type { LostRecords } from '../../src/replay/source/source.ts'
import { counted, duration } from './progress-line.ts'
import { say, type Terminal } from './terminal.ts'

/** The outcome of a replay, for people: a line for each thing worth telling. */
export function replayText(report: ReplayReport): string {
  const { status, replayed, updates, olderUpdates, durationMs, maxBehindMs, targets } = report
  const filtered = Object.entries(report.filtered).filter(([, records]) => records > 0)
  return [
    `${status === 'done' ? 'replayed' : 'interrupted after'} ${counted(replayed)} records in ${duration(durationMs)} (${rate(replayed, durationMs)})`,
    ...(report.passes > 1 ? [`${report.passes} passes`] : []),
    ...span(report),
    ...(updates > 0
      ? [`${counted(updates)} price updates, ${counted(olderUpdates)} of them older than what their pair had`]
      : []),
    ...(filtered.length > 0 ? [`left out by ${filtered.map(([what, n]) => `${what}: ${counted(n)}`).join(', ')}`] : []),
    ...(maxBehindMs > 250 ? [`up to ${duration(maxBehindMs)} behind the schedule`] : []),
    ...targets.map(
      ({ topic, partitions, created, records, expiring }) =>
        `${created ? 'created' : 'wrote'} ${topic}: ${counted(records)} records, ${partitions} partitions${expiringText(expiring)}`,
    ),
    ...formatsText(report),
    `state hash ${report.stateHash}${hashVerdict(report)}`,
  ].join('\n')
}

/** A line for each format: one pattern may stand for hundreds of topics. */
function formatsText({ formats }: ReplayReport): readonly string[] {
  const topics = new Map<string, string[]>()
  for (const [topic, name] of Object.entries(formats)) topics.set(name, [...(topics.get(name) ?? []), topic])
  return [...topics].map(([name, of]) =>
    of.length === 1
      ? `${of[0]} was read by the format of ${name}`
      : `${of.length} topics were read by the format of ${name}`,
  )
}

/** The state of the node after a replay ran through it, for people. */
export function nodeText({ pairs, reads, warms, l1, detectors, strayErrors }: NodeStats): string {
  const all = reads.hits + reads.misses
  const ratio =
    all === 0 ? 'no detector read' : `L1 hit ratio ${((reads.hits / all) * 100).toFixed(1)} % of ${counted(all)} reads`
  const node = `node: ${counted(pairs)} pairs, ${counted(l1.resident)} of ${counted(l1.slots)} slots taken, ${ratio}, ${counted(warms.admitted)} warms (${counted(warms.used)} read)`
  const stray =
    strayErrors === 0
      ? []
      : [`detectors: ${counted(strayErrors)} errors outside their calls: in a timer or after a forgotten await`]
  return [node, ...detectors.flatMap(detectorText), ...stray].join('\n')
}

/** Whether one of the node's detectors did not see all that it should have, or failed anywhere. */
export function hasFaults({ detectors, strayErrors }: NodeStats): boolean {
  return (
    strayErrors > 0 ||
    detectors.some((of) => of.errors + of.timeouts + of.readsTooLate + of.readsOfNewer + of.outputsRefused > 0)
  )
}

function detectorText(stats: DetectorStats): readonly string[] {
  const { detector, errors, timeouts, readsTooLate, readsOfNewer, outputs, outputsRefused } = stats
  const told = [
    { count: errors, what: 'calls threw' },
    { count: timeouts, what: 'calls did not settle within DETECTOR_TIMEOUT_MS' },
    { count: readsTooLate, what: 'reads came after their update was done, and were answered missing' },
    {
      count: readsOfNewer,
      what: 'reads of an update that is earlier than one before it, or than another one of its record, found a newer price, and were answered missing',
    },
    { count: outputsRefused, what: 'outputs were refused' },
    { count: outputs, what: 'outputs, which stay in this process' },
  ].filter(({ count }) => count > 0)
  return told.map(({ count, what }) => `detector ${detector}: ${counted(count)} ${what}`)
}

/** What was recorded, for people. */
export function recordingText(report: RecordReport): string {
  const { status, records, file, bytes, filtered, durationMs } = report
  return [
    `${status === 'done' ? 'recorded' : 'stopped after'} ${counted(records)} records in ${duration(durationMs)}: ${file}, ${counted(bytes)} bytes`,
    ...(filtered > 0 ? [`${counted(filtered)} left out`] : []),
    `state hash ${report.stateHash}`,
  ].join('\n')
}

function expiringText(records: number): string {
  return records === 0 ? '' : `; ${counted(records)} are older than its retention.ms and will be deleted`
}

function rate(records: number, durationMs: number): string {
  return `${counted(Math.round((records / Math.max(durationMs, 1)) * 1000))}/s`
}

function span({ firstTimestampMs, lastTimestampMs }: ReplayReport): readonly string[] {
  if (firstTimestampMs === undefined || lastTimestampMs === undefined) return []
  const [first, last] = [firstTimestampMs, lastTimestampMs].map((ms) => new Date(ms).toISOString())
  return [`from ${first} to ${last}`]
}

/** Names on standard error what was left out, by reason, with the place of the first of each. */
export function tellLost(terminal: Terminal, what: 'skipped' | 'refused', lost: readonly LostRecords[]): void {
  for (const { reason, records, first } of lost)
    say(terminal, `${what} ${counted(records)}: ${reason} (${records === 1 ? '' : 'first: '}${first})`)
}

function hashVerdict({ hashMatches }: ReplayReport): string {
  if (hashMatches === undefined) return ''
  return hashMatches ? ' (as expected)' : ' (NOT the expected one)'
}
