import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type ProducePricesOptions, producePrices } from '../../bin/produce-prices.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import type { Admin } from '../../src/broker/port.ts'

const HOUR_MS = 3_600_000
const CONFIG = { 'message.timestamp.after.max.ms': String(HOUR_MS), 'retention.ms': String(24 * HOUR_MS) }

let broker: MemoryBroker
let admin: Admin
let folder: string
let warnings: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-produce-'))
  broker = createMemoryBroker()
  admin = broker.admin()
  await admin.connect()
  await admin.createTopics([{ topic: 'prices', partitions: 1, config: CONFIG }])
  warnings = []
})
afterEach(async () => {
  await broker.close()
  await rm(folder, { recursive: true })
})

test('produce refuses a file with a time too far ahead before it writes anything, and says what to do', async () => {
  const options = await fileOf([0, 1_000, 2 * HOUR_MS])
  await expect(producePrices(options)).rejects.toMatchObject({
    code: 'bad-value',
    message: expect.stringMatching(
      /is 7200 s ahead of the clock, .* takes at most 3600 s \(message\.timestamp\.after\.max\.ms\): produce without --event-time, or raise the setting/,
    ),
  })
  expect(await stored()).toBe(0n)
})

test('produce writes no update that nodes would refuse because its time is too far ahead of the clock', async () => {
  const options = await fileOf([0, 1_000, 2 * HOUR_MS])
  const report = await producePrices({ ...options, timestamps: 'broker' })
  expect(report).toMatchObject({ produced: 2, failed: 1, failure: expect.stringMatching(/at most 60000 ms ahead/) })
  expect(await stored()).toBe(2n)
})

test('produce says once that the topic will delete records at once, and writes them', async () => {
  const report = await producePrices(await fileOf([-30 * HOUR_MS, -25 * HOUR_MS, 0]))
  expect(report).toMatchObject({ produced: 3, failed: 0 })
  expect(warnings).toEqual([
    expect.stringMatching(/is older than prices keeps records, 86400 s .* or set retention\.ms=-1/),
  ])
})

test('produce refuses and counts a line whose names every node would dead-letter, without frames, too', async () => {
  const options = await fileOf([0])
  const [exact = ''] = (await readFile(options.file, 'utf8')).split('\n')
  const lines = [exact, exact.replace('"pair":"p"', '"pair":"a\\u0000b"'), exact.replace('"c"', '"\\ud800"'), exact]
  await writeFile(options.file, lines.join('\n'))
  const bad: string[] = []
  const onBadLine = ({ reason }: { readonly reason: string }) => void bad.push(reason)
  const report = await producePrices({ ...options, onBadLine, skipsBad: true, timestamps: 'broker' })
  expect(report).toMatchObject({ produced: 2, badLines: 2, failed: 0 })
  expect(bad).toEqual(['bad-name', 'bad-name'])
  expect(await stored()).toBe(2n)
})

test('produce says once that a file has numbers of more digits than a double holds, and with which line that begins', async () => {
  const options = await fileOf([0])
  const price = '"price":1.234567890123456789'
  const [exact = ''] = (await readFile(options.file, 'utf8')).split('\n')
  await writeFile(
    options.file,
    [exact, exact.replace('"price":1', price), exact.replace('"price":1', price)].join('\n'),
  )
  expect(await producePrices(options)).toMatchObject({ produced: 3, failed: 0 })
  expect(warnings).toEqual([
    expect.stringMatching(/line 2: a number has more digits than a double holds: it is rounded/),
  ])
})

test.each(['event-time', 'broker'] as const)(
  'produce reads a pipe with a name once, with times of %s',
  async (timestamps) => {
    const options = await fileOf([0, 1_000])
    const file = join(folder, 'pipe')
    execFileSync('mkfifo', [file])
    const written = readFile(options.file).then((bytes) => writeFile(file, bytes))
    expect(await producePrices({ ...options, file, timestamps })).toMatchObject({ produced: 2, failed: 0 })
    await written
  },
)

test('an interruption ends produce while it waits for somebody to write into a pipe', async () => {
  const options = await fileOf([0])
  const file = join(folder, 'silent')
  execFileSync('mkfifo', [file])
  const abort = new AbortController()
  const ended = producePrices({ ...options, file, timestamps: 'broker', signal: abort.signal })
  setImmediate(() => abort.abort())
  expect(await ended).toMatchObject({ status: 'interrupted', produced: 0 })
})

test('produce makes its frames as small as the topic wants them, and only an update that is too large alone fails', async () => {
  await admin.createTopics([{ topic: 'small', partitions: 1, config: { 'max.message.bytes': '2000' } }])
  const options = await fileOf(Array.from({ length: 300 }, (_, at) => at))
  const lines = (await readFile(options.file, 'utf8')).split('\n')
  const large = (lines[150] ?? '').replace('"price"', `"group":"${'g'.repeat(2_000)}","price"`)
  await writeFile(options.file, lines.with(150, large).join('\n'))
  const report = await producePrices({ ...options, topic: 'small', updatesPerRecord: 100, timestamps: 'broker' })
  expect(report).toMatchObject({ produced: 299, failed: 1, refused: [{ first: expect.stringContaining('line 151') }] })
})

/** Updates at these distances from now. */
async function fileOf(times: readonly number[]): Promise<ProducePricesOptions> {
  const file = join(folder, 'updates.ndjson')
  const nowMs = Date.now()
  const lines = times.map((ms) => JSON.stringify({ pair: 'p', chain: 'c', price: 1, eventTimeMs: nowMs + ms }))
  await writeFile(file, lines.join('\n'))
  const given = { broker, topic: 'prices', partitions: 1, file, updatesPerRecord: 1, encoding: 'json' } as const
  return {
    ...given,
    timestamps: 'event-time',
    signal: new AbortController().signal,
    onBadLine: () => undefined,
    onWarning: (warning) => warnings.push(warning),
  }
}

async function stored(): Promise<bigint | undefined> {
  return (await admin.offsets('prices'))[0]?.high
}
