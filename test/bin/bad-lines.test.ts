import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { RecordingWriter } from '../../src/replay/recording/writer.ts'
import { forewarm, startForewarm } from './forewarm-process.ts'

const T0 = 1_783_715_268_000
const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

let folder: string
let prices: string
let events: string
let keys: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-bad-lines-'))
  prices = await fileOf('prices.ndjson', [priceAt(0), priceAt(1), '{"pair":"b","price":NaN}', priceAt(2), 'none'])
  events = await fileOf('events.csv', ['pair,event', 'a,e', 'b', 'b,e'])
  keys = await fileOf('keys.txt', ['k1', 'k2', '', 'k1'])
})
afterAll(() => rm(folder, { recursive: true }))

async function fileOf(name: string, lines: readonly string[]): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, lines.join('\n'))
  return path
}

function priceAt(afterMs: number): string {
  return JSON.stringify({ pair: afterMs % 2 ? 'b' : 'a', chain: 'c', price: 1, eventTimeMs: T0 + afterMs, group: 'g' })
}

const SMALL = ['--slots', '1', '--policy', 'lru', '--warming', 'none']
const CALLS: readonly [name: string, args: () => readonly string[], bad: RegExp, rest: number][] = [
  ['replay --stdout', () => ['replay', prices, '--stdout'], /prices\.ndjson, line 3, column 21: not-json: /, 2],
  ['replay --in-process', () => ['replay', prices, '--in-process'], /prices\.ndjson, line 3, column 21: not-json: /, 2],
  ['simulate --prices', () => ['simulate', '--prices', prices, ...SMALL], /prices\.ndjson, line 3, column 21: /, 2],
  [
    'simulate --events',
    () => ['simulate', '--prices', prices, '--events', events, ...SMALL],
    /events\.csv, line 3: column "event": expected a name/,
    3,
  ],
  ['simulate --accesses', () => ['simulate', '--accesses', keys, ...SMALL], /keys\.txt, line 3, column 1: /, 1],
]

describe.each(CALLS)('%s of a file with bad lines', (_, args, bad, count) => {
  test('ends at the first with code 1, and names file, line and column', async () => {
    const { code, stderr } = await forewarm(args())
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`^error: .*${bad.source}.*\n$`))
  })

  test('goes on with --skip-bad, names and counts all of them, and ends with code 1', async () => {
    const { code, stdout, stderr } = await forewarm([...args(), '--skip-bad'])
    expect(code).toBe(1)
    expect(stderr).toMatch(new RegExp(`skipped .*${bad.source}`))
    expect(stderr).toMatch(new RegExp(`skipped ${count}(: not-json| bad lines)`))
    expect(stdout).not.toBe('')
  })
})

test('replay prints the lines before a bad one, and none after it', async () => {
  const { stdout } = await forewarm(['replay', prices, '--stdout'])
  expect(stdout).toBe(`${priceAt(0)}\n${priceAt(1)}\n`)
})

describe('nothing read is a failure', () => {
  test.each([
    ['replay of a file without a readable line', []],
    ['replay that is to come to the hash of nothing', ['--verify-hash', EMPTY_HASH]],
  ])('of a %s', async (_, more) => {
    const csv = await fileOf('x.csv', ['pair,price', 'a,1'])
    const { code, stdout, stderr } = await forewarm(['replay', csv, '--stdout', '--skip-bad', ...more])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('nothing was replayed')
    expect(stderr).not.toContain('(as expected)')
    expect(await forewarm(['replay', csv, '--stdout', ...more])).toMatchObject({ code: 1 })
  })

  test('also if the file is empty, or the filters let nothing through', async () => {
    const empty = await fileOf('empty.ndjson', [])
    expect(await forewarm(['replay', empty, '--in-process'])).toMatchObject({ code: 1 })
    expect(await forewarm(['replay', keys, '--stdout', '--pairs', 'none', '--skip-bad'])).toMatchObject({ code: 1 })
  })
})

test('simulate names the records of a recording that cannot be read, and ends with code 1', async () => {
  const file = join(folder, 'recording.ndjson')
  const writer = await RecordingWriter.create(file, { topics: { prices: 1 }, clusterId: undefined }, false)
  const values = [priceAt(0), '{"v":1}', priceAt(1)].map((value) => Buffer.from(value))
  const place = { topic: 'prices', partition: 0, timestampMs: T0, key: undefined, headers: [] }
  await writer.write(values.map((value, i) => ({ ...place, offset: BigInt(i), value })))
  await writer.finish('f'.repeat(64))
  const { code, stderr } = await forewarm(['simulate', '--prices', file, ...SMALL])
  expect(stderr).toContain(`skipped 1: missing-pair (${file}, topic prices, partition 0, offset 1)`)
  expect(code).toBe(1)
})

test('replay --in-process names what its node refuses, and ends with code 1', async () => {
  const [good = '', ahead = ''] = [priceAt(0), priceAt(3_600_000)]
  const frame = `[${good},${ahead.replace('"chain":"c"', '"chain":"d"')}]`
  const file = join(folder, 'refused.ndjson')
  const writer = await RecordingWriter.create(file, { topics: { prices: 1 }, clusterId: undefined }, false)
  const place = { topic: 'prices', partition: 0, timestampMs: T0, key: Buffer.from('c'), headers: [] }
  const values = [good, frame, ahead].map((value) => Buffer.from(value))
  await writer.write(values.map((value, i) => ({ ...place, offset: BigInt(i), value })))
  await writer.finish('f'.repeat(64))
  const { code, stderr } = await forewarm(['replay', file, '--in-process'])
  expect(stderr).toContain('refused 1: several-chains (prices/0, record of 2026-07-10T20:27:48.000Z: ')
  expect(stderr).toContain('refused 1: event-time-future (prices/0, record of ')
  expect(code).toBe(1)
})

test.each(['stderr', 'stdout'] as const)(
  'a replay whose %s has no reader does all its work, and still ends with code 1 for what it skipped',
  async (gone) => {
    const { child, ended } = startForewarm(['replay', prices, '--in-process', '--skip-bad'])
    child[gone]?.destroy()
    const { code, stdout } = await ended
    expect(code).toBe(1)
    if (gone === 'stderr') expect(stdout).toContain('replayed 3 records')
  },
)
