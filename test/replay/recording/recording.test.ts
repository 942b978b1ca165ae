import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { hasItsChecksum, parseRecordLine, recordLine } from '../../../src/replay/recording/line.ts'
import { isRecording, openRecording } from '../../../src/replay/recording/source.ts'
import { RecordingWriter } from '../../../src/replay/recording/writer.ts'
import type { ReplayRecord } from '../../../src/replay/replay-record.ts'
import type { ReplaySource } from '../../../src/replay/source/source.ts'
import { priceAt, recordOf } from '../record-builders.ts'

const never = new AbortController().signal
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-recording-'))
})
afterEach(() => rm(folder, { recursive: true }))

const HEADER = { topics: { prices: 2 }, clusterId: 'cluster-1' }
const HASH = 'f'.repeat(64)

async function written(name: string, records: readonly ReplayRecord[]): Promise<string> {
  const path = join(folder, name)
  const writer = await RecordingWriter.create(path, HEADER, false)
  await writer.write(records)
  await writer.finish(HASH)
  return path
}

async function recordsOf(source: ReplaySource): Promise<ReplayRecord[]> {
  const records: ReplayRecord[] = []
  for await (const some of source.read(never)) records.push(...some)
  return records
}

function prices(count: number): ReplayRecord[] {
  return Array.from({ length: count }, (_, i) => recordOf(priceAt(i), { offset: i }))
}

async function openingOf(lines: readonly string[], end = '\n'): Promise<unknown> {
  const path = join(folder, 'damaged.ndjson')
  await writeFile(path, lines.join('\n') + end)
  return openRecording(path).then(
    () => 'opened',
    (error: Error & { code?: string }) => `${error.code}: ${error.message.replace(`${path}`, 'FILE')}`,
  )
}

describe('a line of a recording', () => {
  test('gives back every byte of a record', () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
    const text = fc.string({ unit: 'binary', maxLength: 20 }).map((string) => Buffer.from(string))
    const some = fc.option(fc.oneof(bytes, text), { nil: undefined })
    const record = fc.record({
      topic: fc.constantFrom('prices', 'warm-requests'),
      partition: fc.nat(100),
      offset: fc.bigInt({ min: 0n, max: 2n ** 63n }),
      timestampMs: fc.integer({ min: -1, max: 4_000_000_000_000 }),
      key: some,
      value: some,
      headers: fc.array(fc.tuple(fc.string(), fc.oneof(bytes, text)), { maxLength: 3 }),
    })
    fc.assert(
      fc.property(record, (given) => {
        const line = recordLine(given)
        expect(line).not.toContain('\n')
        expect(hasItsChecksum(line)).toBe(true)
        expect(parseRecordLine(line)).toEqual(given)
      }),
    )
  })

  test('is readable text', () => {
    const line = recordLine(recordOf(priceAt(0), { headers: [['feed', Buffer.from('a')]] }))
    expect(JSON.parse(line)).toMatchObject({
      topic: 'prices',
      offset: '0',
      key: 'ethereum\0WETH/USDC',
      value: expect.stringContaining('"price":3000'),
      headers: [['feed', 'a']],
    })
  })
})

describe('a recording', () => {
  test.each(['plain.ndjson', 'packed.ndjson.gz'])(
    '%s gives back its records and says where they came from',
    async (name) => {
      const records = [...prices(300), { ...recordOf(priceAt(4000), { offset: 300 }), value: undefined }]
      const path = await written(name, records)
      expect(await isRecording(path)).toBe(true)
      const source = await openRecording(path)
      expect(source.origin).toEqual({ topics: new Map([['prices', 2]]), clusterId: 'cluster-1', stateHash: HASH })
      expect(await recordsOf(source)).toEqual(records)
      expect(await recordsOf(source)).toEqual(records)
      expect(source.fraction()).toBe(1)
    },
  )

  test('is packed if its name ends in .gz', async () => {
    const path = await written('packed.ndjson.gz', prices(1))
    expect(gunzipSync(await readFile(path)).toString()).toContain('"forewarm":"recording"')
  })

  test('comes back in replay order when it was recorded in the order of arrival', async () => {
    const arrived = [
      recordOf(priceAt(10), { partition: 1, offset: 0 }),
      recordOf(priceAt(0), { partition: 0, offset: 0 }),
      recordOf(priceAt(20), { partition: 1, offset: 1 }),
      recordOf(priceAt(15), { partition: 0, offset: 1 }),
    ]
    const source = await openRecording(await written('live.ndjson', arrived))
    const times = (await recordsOf(source)).map(({ timestampMs }) => timestampMs - priceAt(0).eventTimeMs)
    expect(times).toEqual([0, 10, 15, 20])
  })

  test('gets its name when it is whole, and leaves nothing behind when it is discarded', async () => {
    const writer = await RecordingWriter.create(join(folder, 'half.ndjson'), HEADER, false)
    await writer.write(prices(5000))
    expect(await readdir(folder)).not.toContain('half.ndjson')
    await writer.discard()
    expect(await readdir(folder)).toEqual([])
  })

  test('replaces a file only if it may', async () => {
    const path = await written('once.ndjson', prices(1))
    await expect(RecordingWriter.create(path, HEADER, false)).rejects.toMatchObject({ code: 'file-exists' })
    const writer = await RecordingWriter.create(path, HEADER, true)
    await writer.finish(HASH)
    expect(await recordsOf(await openRecording(path))).toEqual([])
  })

  test('that cannot be written is refused as `not-writable`', async () => {
    const path = join(folder, 'missing', 'a.ndjson')
    await expect(RecordingWriter.create(path, HEADER, false)).rejects.toMatchObject({ code: 'not-writable' })
  })
})

describe('opening a damaged recording fails and names the line:', () => {
  let lines: string[]
  beforeEach(async () => {
    lines = (await readFile(await written('good.ndjson', prices(4)), 'utf8')).trimEnd().split('\n')
  })

  test('a changed line', async () => {
    const changed = lines.with(2, (lines[2] ?? '').replace('3000', '3001'))
    expect(await openingOf(changed)).toBe(
      'corrupt-recording: FILE, line 3: its checksum does not match: the line was damaged or changed',
    )
  })

  test('a recording cut off between two lines', async () => {
    expect(await openingOf(lines.slice(0, 3))).toBe(
      'corrupt-recording: FILE, line 3: the recording is truncated: its closing line is missing after it',
    )
  })

  test('a recording cut off within a line', async () => {
    const cut = [...lines.slice(0, 3), (lines[3] ?? '').slice(0, 40)]
    expect(await openingOf(cut, '')).toBe('corrupt-recording: FILE, line 4: the recording is truncated in this line')
  })

  test('a missing line', async () => {
    expect(await openingOf(lines.toSpliced(2, 1))).toBe(
      'corrupt-recording: FILE, line 5: the recording had 4 records, 3 are left: lines are missing or repeated',
    )
  })

  test('two lines swapped', async () => {
    const swapped = lines.with(1, lines[2] ?? '').with(2, lines[1] ?? '')
    expect(await openingOf(swapped)).toBe(
      'corrupt-recording: FILE, line 6: the hash of the recording does not match: lines were moved, or its heading was changed',
    )
  })

  test('a line after the closing line', async () => {
    expect(await openingOf([...lines, '{}'])).toBe(
      'corrupt-recording: FILE, line 7: something follows the closing line',
    )
  })

  test('a heading of another version', async () => {
    const newer = lines.with(0, (lines[0] ?? '').replace('"v":1', '"v":2'))
    expect(await openingOf(newer)).toBe(
      'corrupt-recording: FILE, line 1: expected a recording of version 1, got 2: read it with a newer forewarm',
    )
  })

  test('a packed recording that is cut off', async () => {
    const packed = gzipSync(lines.join('\n'))
    const path = join(folder, 'cut.ndjson.gz')
    await writeFile(path, packed.subarray(0, packed.length - 30))
    await expect(openRecording(path)).rejects.toMatchObject({
      code: 'corrupt-recording',
      message: expect.stringMatching(/cannot be read after line \d+: .*unexpected end of file/),
    })
  })

  test('no file at all', async () => {
    await expect(openRecording(join(folder, 'none.ndjson'))).rejects.toMatchObject({ code: 'no-such-file' })
  })
})
