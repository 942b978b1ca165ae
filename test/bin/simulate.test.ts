import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { RecordingWriter } from '../../src/replay/recording/writer.ts'
import { forewarm, startForewarm } from './forewarm-process.ts'

let folder: string
let keys: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-simulate-'))
  keys = join(folder, 'keys.txt')
  await writeFile(keys, Array.from({ length: 400 }, (_, i) => `key${i % 8}`).join('\n'))
})
afterAll(() => rm(folder, { recursive: true }))

test('simulate prints a row for each combination, or an object with --json', async () => {
  const call = ['simulate', '--accesses', keys, '--slots', '4,8', '--policy', 'lru']
  const { code, stdout } = await forewarm([...call, '--json'])
  expect(code).toBe(0)
  const rows = stdout.trimEnd().split('\n')
  expect(rows.map((row) => JSON.parse(row))).toMatchObject([
    { warming: 'none', slots: 4, capacity: 0.5, reads: 400, hits: 0, accuracy: null, redundancy: null },
    { warming: 'none', slots: 8, capacity: 1, reads: 400, hits: 392 },
    { warming: 'forewarm', slots: 4 },
    { warming: 'forewarm', slots: 8 },
  ])
  const table = await forewarm(call)
  const lines = table.stdout.split('\n')
  expect(lines[0]).toMatch(/^policy +warming +slots +hit ratio/)
  expect(lines.slice(1, 5)).toEqual(Array(4).fill(expect.stringMatching(/^lru /)))
  // No line is wider than a terminal.
  expect(lines.slice(5)).toEqual([
    'Warming saves 8.3 % of the misses, for 1.00 reads of L2 each (1 is free: the',
    'miss would have read it); nothing with slots for 100 %.',
    '',
  ])
})

test('simulate names file and line of an invalid key, and ends with code 1', async () => {
  const bad = join(folder, 'blank.txt')
  await writeFile(bad, 'a\n\nb\n')
  const { code, stdout, stderr } = await forewarm(['simulate', '--accesses', bad])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(`error: ${bad}, line 2, column 1: expected a key, got a blank line\n`)
})

test('simulate writes a report, and refuses a report that it cannot write before it runs', async () => {
  const report = join(folder, 'report.html')
  const call = ['simulate', '--accesses', keys, '--slots', '4', '--report']
  expect(await forewarm([...call, report])).toMatchObject({ code: 0, stderr: `wrote ${report}\n` })
  expect(await readFile(report, 'utf8')).toContain('<polyline')
  for (const unwritable of ['/dev/null', join(folder, 'nowhere', 'report.html'), folder, join(report, 'report.html')])
    expect(await forewarm([...call, unwritable])).toMatchObject({ code: 2, stdout: '' })
})

test('simulate replaces no file by its report unless it is told to, and no link', async () => {
  const [precious, link] = [join(folder, 'precious.txt'), join(folder, 'link.html')]
  await writeFile(precious, 'of somebody else')
  await symlink(precious, link)
  const call = ['simulate', '--accesses', keys, '--slots', '4', '--report']
  const refused = await forewarm([...call, precious])
  expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/exists already: .*--force/) })
  expect(await forewarm([...call, link, '--force'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/a link/) })
  expect(await readFile(precious, 'utf8')).toBe('of somebody else')
  expect(await forewarm([...call, precious, '--force'])).toMatchObject({ code: 0 })
  expect(await readFile(precious, 'utf8')).toContain('<polyline')
})

test('simulate does not overwrite its input with the report', async () => {
  const recorded = await readFile(keys, 'utf8')
  const { code, stderr } = await forewarm(['simulate', '--accesses', keys, '--slots', '4', '--report', keys])
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('would be overwritten') })
  expect(await readFile(keys, 'utf8')).toBe(recorded)
})

test.each([
  ['--capacity', '0x1'],
  ['--delay-ms', '0x10'],
  ['--warm-ms', '1e400'],
  ['--spacing-us', '999999999999999'],
])('simulate refuses %s %s with code 2', async (option, value) => {
  const { code, stderr } = await forewarm(['simulate', '--prices', keys, option, value])
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`argument '${value}' is invalid`) })
})

test('Ctrl-C ends simulate with code 130 and the rows so far', async () => {
  const long = join(folder, 'long.txt')
  await writeFile(long, Array.from({ length: 200_000 }, (_, i) => `key${(i * 7919) % 10_007}`).join('\n'))
  const slots = Array.from({ length: 500 }, (_, i) => i + 1)
  const { child, ended } = startForewarm(['simulate', '--accesses', long, '--slots', slots.join(','), '--json'])
  child.stdout?.once('data', () => child.kill('SIGINT'))
  const { code, stdout } = await ended
  expect(code).toBe(130)
  const rows = stdout.trimEnd().split('\n')
  expect(rows.map((row) => JSON.parse(row).slots)).toEqual(slots.slice(0, rows.length))
})

test('Ctrl-C ends simulate with code 130 while it still reads its input', async () => {
  const file = join(folder, 'endless.txt')
  execFileSync('mkfifo', [file])
  const { child, ended } = startForewarm(['simulate', '--accesses', file])
  const pipe = createWriteStream(file)
  pipe.on('error', () => {})
  const some = 'key\n'.repeat(10_000)
  const write = () => void pipe.write(some, (error) => error ?? write())
  pipe.once('open', () => {
    write()
    child.kill('SIGINT')
  })
  expect(await ended).toEqual({ code: 130, stdout: '', stderr: '' })
  pipe.destroy()
})

test.each([
  [1, [1]],
  [8, [0.1, 0.2]],
  [400, [0.01, 0.05, 0.1, 0.2]],
])('simulate of %d keys takes the default shares that come to at least one slot', async (count, shares) => {
  const file = join(folder, 'few.txt')
  await writeFile(file, Array.from({ length: 800 }, (_, i) => `key${i % count}`).join('\n'))
  const { code, stdout } = await forewarm([
    'simulate',
    '--accesses',
    file,
    '--policy',
    'lru',
    '--warming',
    'none',
    '--json',
  ])
  const rows = stdout.trimEnd().split('\n')
  expect([code, rows.map((row) => JSON.parse(row).capacity)]).toEqual([0, shares])
})

test('simulate counts the updates that it left out, and those that it moved to another time', async () => {
  const at = (pair: string, afterMs: number) =>
    JSON.stringify({ pair, chain: 'c', price: 1, eventTimeMs: 1_783_715_268_000 + afterMs })
  const prices = join(folder, 'prices.ndjson')
  const events = join(folder, 'events.csv')
  await writeFile(prices, [at('a', 0), at('b', -100), at('x', 0), at('a', 100)].join('\n'))
  await writeFile(events, 'pair,event\na,e\nb,e\n')
  const call = [
    'simulate',
    '--prices',
    prices,
    '--events',
    events,
    '--slots',
    '1',
    '--policy',
    'lru',
    '--warming',
    'none',
  ]
  const { code, stdout, stderr } = await forewarm([...call, '--delay-ms', '0,50', '--json'])
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr:
      'updates left out, as their pair is in no event: 1\nupdates moved to the time of the one before, which is later: 1\n',
  })
  const rows = stdout.trimEnd().split('\n')
  expect(rows.map((row) => JSON.parse(row))).toMatchObject([
    { delayMs: 0, reads: 3, hits: 0, lookAhead: 'auto' },
    { delayMs: 50, reads: 3, hits: 0, lookAhead: 'auto' },
  ])
})

test('simulate says above the rows how many updates have an impossible time, and where the first is', async () => {
  const at = (pair: string, afterMs: number) =>
    JSON.stringify({ pair, chain: 'c', group: 'g', price: 1, eventTimeMs: 1_783_715_268_000 + afterMs })
  const prices = join(folder, 'jump.ndjson')
  await writeFile(prices, [at('a', 0), at('b', 100), at('a', 3e11), at('b', 200)].join('\n'))
  const call = ['simulate', '--prices', prices, '--slots', '1', '--policy', 'lru', '--warming', 'none']
  const said = `1 of 4 updates are left out, as their times are far from those around them: ${prices}, line 3 is of 2036-01-12T`
  const { code, stdout } = await forewarm([...call, '--report', join(folder, 'jump.html')])
  expect({ code, first: stdout.split('\n')[0] }).toEqual({ code: 0, first: expect.stringContaining(said) })
  expect(await readFile(join(folder, 'jump.html'), 'utf8')).toContain(said)
  const json = await forewarm([...call, '--json'])
  expect(json.stderr).toContain(said)
  expect(
    json.stdout
      .trimEnd()
      .split('\n')
      .map((row) => JSON.parse(row).reads),
  ).toEqual([3])
})

test('simulate runs each number of slots once', async () => {
  const { stdout } = await forewarm(['simulate', '--accesses', keys, '--slots', '4,4', '--warming', 'none', '--json'])
  expect(stdout.trimEnd().split('\n')).toHaveLength(1)
})

test('simulate ends quietly when the reader of its output goes away', async () => {
  const slots = Array.from({ length: 8 }, (_, i) => i + 1).join(',')
  const { child, ended } = startForewarm(['simulate', '--accesses', keys, '--slots', slots, '--json'])
  // Nobody reads the output to its end.
  ended.catch(() => {})
  const said = text(child.stderr as Readable)
  child.stdout?.once('data', () => child.stdout?.destroy())
  await once(child, 'close')
  expect({ code: child.exitCode, said: await said }).toEqual({ code: 0, said: '' })
})

test('simulate refuses more slots than keys with code 2', async () => {
  const { code, stderr } = await forewarm(['simulate', '--accesses', keys, '--slots', '9'])
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'error: expected 1 to 8 slots, at most one a key; got 9\n' })
})

describe('simulate reads the user’s own records', () => {
  const T0 = 1_783_715_268_000
  const PAIRS = ['A', 'B', 'C', 'D']
  const own = Array.from({ length: 400 }, (_, at) => {
    const pair = PAIRS[(at * 7) % 4] as string
    return { pair, chain: 'x', price: at + 1, group: pair < 'C' ? 'g' : 'h', eventTimeMs: T0 + at * 50 }
  })
  const quotes = own.map(({ pair, price, group, eventTimeMs }) =>
    JSON.stringify({ s: pair, p: `${price}`, g: group, t: eventTimeMs / 1000 }),
  )
  const mapping = { chain: { const: 'x' }, pair: 's', price: 'p', group: 'g', eventTimeMs: { path: 't', unit: 's' } }
  const formats = { quotes: { ...mapping, skip: { path: 'result', exists: true } } }

  const simulated = async (file: string, ...flags: readonly string[]) => {
    const args = ['simulate', '--prices', file, '--slots', '3', '--json', ...flags]
    const { code, stdout } = await forewarm(args, { cwd: folder })
    const figures = ({ input: _, seconds: __, ...rest }: Record<string, unknown>) => rest
    const rows = stdout.trimEnd().split('\n')
    return { code, rows: rows.map((row) => figures(JSON.parse(row))) }
  }
  const written = async (name: string, lines: readonly string[]) => {
    await writeFile(join(folder, name), `${lines.join('\n')}\n`)
    return name
  }

  test('from the lines of a file and from a recording, with the figures that a translation of them gives', async () => {
    const expected = await simulated(
      await written(
        'own.ndjson',
        own.map((update) => JSON.stringify(update)),
      ),
    )
    const settings = await written('formats.json', [JSON.stringify({ formats })])
    const lines = await written('quotes.ndjson', [...quotes.slice(0, 9), '{"result":null}', ...quotes.slice(9)])
    expect(await simulated(lines, '--topic', 'quotes', '--config', settings)).toEqual(expected)
    const path = join(folder, 'recorded.ndjson')
    const writer = await RecordingWriter.create(path, { topics: { quotes: 1 }, clusterId: 'c' }, false)
    const record = { topic: 'quotes', partition: 0, key: undefined, headers: [] }
    const values = ['{"result":null}', ...quotes].map((value) => Buffer.from(value))
    await writer.write(values.map((value, at) => ({ ...record, offset: BigInt(at), timestampMs: T0 + at, value })))
    await writer.finish('none')
    expect(await simulated('recorded.ndjson', '--config', settings)).toEqual(expected)
    expect(expected).toMatchObject({ code: 0, rows: [{ reads: 400 }, { reads: 400 }] })
    expect(expected.rows[0]?.hits).toBeGreaterThan(0)
  }, 60_000)

  test('and refuses formats that would change nothing', async () => {
    const lines = await written('lines.ndjson', quotes)
    const refused = (...flags: readonly string[]) => forewarm(['simulate', ...flags], { cwd: folder })
    expect(await refused('--prices', lines, '--formats', 'f.ts')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--formats goes with a recording, or --topic'),
    })
    expect(await refused('--prices', lines, '--topic', 'qoutes')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--topic: no format names qoutes; leave it out'),
    })
    expect(await refused('--accesses', lines, '--topic', 'quotes')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--topic goes with --prices'),
    })
  }, 60_000)
})
