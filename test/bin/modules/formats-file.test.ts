import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { RecordingWriter } from '../../../src/replay/recording/writer.ts'
import { AT_MS } from '../../formats/stage.ts'
import { forewarm } from '../forewarm-process.ts'

const INDEX = join(import.meta.dirname, '../../../index.ts')
/** `PAIR price` lines are read by a function; `fail` makes it throw. */
const LINES = `
  import { format } from '${INDEX}'
  const read = ({ value }) => {
    const [pair = '', price] = String(value).split(' ')
    if (pair === 'fail') throw new Error('no such line')
    return { pair, chain: 'lines', price: Number(price), eventTimeMs: ${AT_MS}, extra: { length: pair.length } }
  }
  export const lines = format('prices.lines', read)
  export const more: readonly unknown[] = [format('prices.b', read), lines]
`

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-formats-file-'))
  await writeFile(join(folder, 'formats.ts'), LINES)
  await writeFile(join(folder, 'values.txt'), 'A 1.5\nfail\nB 2\n')
})
afterAll(() => rm(folder, { recursive: true }))

async function written(name: string, source: string): Promise<string> {
  await writeFile(join(folder, name), source)
  return name
}

const checked = (...flags: readonly string[]) =>
  forewarm(['format', 'check', 'prices.lines', '--file', 'values.txt', '--json', ...flags], { cwd: folder })

describe('the formats that a module exports', () => {
  test('read records by their functions, and what these throw refuses the record alone', async () => {
    const { code, stdout } = await checked('--formats', 'formats.ts')
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      {
        format: 'prices.lines',
        updates: 2,
        refused: [{ reason: 'format-failed', records: 1, first: { detail: expect.stringContaining('no such line') } }],
      },
    ])
  })

  test('read a file or standard input in place of the topic, as its name or --topic says', async () => {
    await written('prices.lines.txt', 'A 1.5\n')
    const check = (stdin: string, ...args: readonly string[]) =>
      forewarm(['format', 'check', ...args, '--json', '--formats', 'formats.ts'], { cwd: folder, stdin })
    const updates = async (stdin: string, ...args: readonly string[]) =>
      JSON.parse((await check(stdin, ...args)).stdout).updates
    expect(await updates('', 'prices.lines.txt')).toBe(1)
    expect(await updates('', 'values.txt', '--topic', 'prices.lines')).toBe(2)
    expect(await updates('A 1\nB 2\nC 3\n', '-', '--topic', 'prices.lines')).toBe(3)
    expect(await check('', '-')).toMatchObject({ code: 2, stderr: expect.stringContaining('--topic') })
    expect(await check('', 'prices.lines', '--topic', 'other')).toMatchObject({ code: 2 })
  })

  test('come before those of the settings file, each once, in the order of their names', async () => {
    const mapping = { chain: { const: 'c' }, pair: 'p', price: 'l', eventTimeMs: 't' }
    await written('settings.json', JSON.stringify({ formats: { 'prices.lines': mapping, 'prices.z': mapping } }))
    const flags = ['--formats', 'formats.ts', '--config', 'settings.json']
    const list = await forewarm(['format', 'list', '--json', ...flags], { cwd: folder })
    const formats = ['prices.lines', 'prices.b', 'prices.lines', 'prices.z']
    expect(JSON.parse(list.stdout)).toEqual({ formats })
    expect(JSON.parse((await checked(...flags)).stdout)).toMatchObject({ updates: 2 })
  })

  test('read a recording, for those who write its updates and for the node of a replay in process', async () => {
    const file = join(folder, 'recorded.ndjson')
    const writer = await RecordingWriter.create(file, { topics: { 'prices.lines': 1 }, clusterId: 'c' }, false)
    const record = { topic: 'prices.lines', partition: 0, timestampMs: AT_MS, key: undefined, headers: [] }
    const values = ['A 1.5', 'B 2']
    await writer.write(values.map((value, at) => ({ ...record, offset: BigInt(at), value: Buffer.from(value) })))
    await writer.finish('none')
    const flags = ['--formats', 'formats.ts', '--json']
    const output = await forewarm(['replay', file, '--stdout', '--formats', 'formats.ts'], { cwd: folder })
    expect(
      output.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).pair),
    ).toEqual(['A', 'B'])
    await written(
      'detectors.ts',
      `import { detector } from '${INDEX}'
      export const all = detector('all', {}, ({ extra }) => { if (extra?.length !== 1) throw new Error('no extra') })`,
    )
    const args = ['replay', file, '--in-process', '--detectors', 'detectors.ts', ...flags]
    const inProcess = await forewarm(args, { cwd: folder })
    expect([inProcess.code, JSON.parse(inProcess.stdout)]).toMatchObject([0, { updates: 2, node: { updates: 2 } }])
  })
})

describe('a file of formats is refused in one sentence', () => {
  test.each([
    ['that does not exist', 'none.ts', undefined, 'none.ts cannot be loaded: Cannot find module'],
    ['that throws', 'throws.ts', `throw new Error('not today')`, 'throws.ts cannot be loaded: not today'],
    [
      'that has a fault in a mapping',
      'fault.ts',
      `import { format } from '${INDEX}'; export const one = format('x', { pair: 'p' })`,
      'fault.ts cannot be loaded: formats["x"].chain',
    ],
    [
      'with TypeScript that is not only types',
      'enum.ts',
      'export enum Venue { a = 1 }',
      'enum.ts cannot be loaded: TypeScript enum is not supported',
    ],
    [
      'that exports a function alone',
      'bare.ts',
      `export const read = () => 'skip'`,
      'bare.ts exports no formats; make them with format(',
    ],
    ['that exports nothing', 'empty.ts', 'export {}', 'empty.ts exports no formats'],
  ])('%s', async (_, name, source, reason) => {
    if (source !== undefined) await written(name, source)
    const { code, stdout, stderr } = await checked('--formats', name)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({ error: { message: expect.stringContaining(`--formats: ${reason}`) } })
  })

  test.each([
    [['run']],
    [['tail', 'x']],
    [['record', 'x', '-o', 'out.ndjson']],
    [['replay', 'x', '--to', 'y']],
    [['replay', 'x', '--in-process']],
    [['produce', 'values.txt', '--topic', 'x']],
    [['simulate', '--prices', 'values.txt', '--topic', 'x']],
    [['format', 'infer', 'x']],
  ])('by forewarm %j, before Kafka is asked', async (args) => {
    const env = { KAFKA_BROKERS: '127.0.0.1:1' }
    const { code, stderr } = await forewarm([...args, '--formats', 'none.ts'], { env, cwd: folder })
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('--formats: none.ts cannot be loaded'),
    })
  })
})
