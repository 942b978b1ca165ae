import { createHash } from 'node:crypto'
import { partitionName } from '../../broker/partition-name.ts'
import { ReplayError } from '../replay-error.ts'
import type { ReplayRecord } from '../replay-record.ts'
import { found, type Line, LineFile } from '../source/lines.ts'
import { PartitionMerge } from '../source/partition-merge.ts'
import type { ReplaySource } from '../source/source.ts'
import {
  hasItsChecksum,
  isHeaderLine,
  isTrailerLine,
  parseHeaderLine,
  parseRecordLine,
  parseTrailerLine,
  type RecordingHeader,
  type RecordingTrailer,
} from './line.ts'

/**
 * How much of a recording is held to sort it: a live one is in the order of arrival. Partitions that are read side by side
 * are seldom further apart than a fetch of each.
 */
const WINDOW_RECORDS = 16_384
const WINDOW_BYTES = 64 * 1024 * 1024

/** Checks the whole recording first, so that a damaged one is refused before any of it is replayed. */
export async function openRecording(path: string, signal?: AbortSignal): Promise<ReplaySource> {
  const file = new LineFile(path)
  const { header, trailer } = await check(file, signal)
  return {
    origin: {
      topics: new Map(Object.entries(header.topics)),
      clusterId: header.clusterId,
      stateHash: trailer.stateHash,
    },
    read: (signal) => read(file, signal),
    fraction: () => file.fraction,
    lost: () => [],
  }
}

/**
 * Whether the first line says that the file is a recording. Rejects with `no-such-file`, for a pipe too: the file is read
 * again from its start after this, and a pipe cannot be read twice.
 */
export async function isRecording(path: string): Promise<boolean> {
  if (!(await found(path)).isFile())
    throw new ReplayError('no-such-file', `${path} is no file: a pipe cannot be read twice; save it to a file`)
  for await (const lines of new LineFile(path).read()) return isHeaderLine(lines[0]?.text ?? '')
  return false
}

async function check(
  file: LineFile,
  signal: AbortSignal | undefined,
): Promise<{ header: RecordingHeader; trailer: RecordingTrailer }> {
  const hash = createHash('sha256')
  let header: RecordingHeader | undefined
  let trailer: RecordingTrailer | undefined
  let last = 0
  for await (const lines of file.read(signal)) {
    for (const line of lines) {
      if (trailer !== undefined) throw corrupt(file, line.number, 'something follows the closing line')
      last = line.number
      if (header === undefined) header = parsedBy(parseHeaderLine, file, line)
      else if (isTrailerLine(line.text)) trailer = parsedBy(parseTrailerLine, file, line)
      else if (!line.ended) throw corrupt(file, line.number, 'the recording is truncated in this line')
      else if (!hasItsChecksum(line.text))
        throw corrupt(file, line.number, 'its checksum does not match: the line was damaged or changed')
      if (trailer === undefined) hash.update(line.text).update('\n')
    }
  }
  if (header === undefined) throw corrupt(file, 1, 'the file is empty')
  if (trailer === undefined)
    throw corrupt(file, last, 'the recording is truncated: its closing line is missing after it')
  const records = last - 2
  if (trailer.records !== records)
    throw corrupt(
      file,
      last,
      `the recording had ${trailer.records} records, ${records} are left: lines are missing or repeated`,
    )
  if (trailer.sha256 !== hash.digest('hex'))
    throw corrupt(file, last, 'the hash of the recording does not match: lines were moved, or its heading was changed')
  return { header, trailer }
}

function parsedBy<T extends object>(parse: (text: string) => T | string, file: LineFile, line: Line): T {
  const parsed = parse(line.text)
  if (typeof parsed === 'string') throw corrupt(file, line.number, parsed)
  return parsed
}

async function* read(file: LineFile, signal: AbortSignal): AsyncGenerator<readonly ReplayRecord[]> {
  const merge = new PartitionMerge()
  for await (const lines of file.read()) {
    if (signal.aborted) return
    for (const line of lines) {
      if (line.number === 1 || isTrailerLine(line.text)) continue
      const record = parsedBy(parseRecordLine, file, line)
      merge.add(partitionName(record), record)
    }
    const ready = takeWhile(merge, () => merge.buffered > WINDOW_RECORDS || merge.bytes > WINDOW_BYTES)
    if (ready.length > 0) yield ready
  }
  yield takeWhile(merge, () => merge.buffered > 0)
}

function takeWhile(merge: PartitionMerge, isWanted: () => boolean): readonly ReplayRecord[] {
  const taken: ReplayRecord[] = []
  while (isWanted()) {
    const next = merge.take()
    if (next === undefined) break
    taken.push(next.record)
  }
  return taken
}

function corrupt(file: LineFile, line: number, reason: string): ReplayError {
  return new ReplayError('corrupt-recording', `${file.path}, line ${line}: ${reason}`)
}
