import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import { record } from '../../src/replay/record.ts'
import { replay } from '../../src/replay/replay.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { until } from '../harness/until.ts'
import { priceAt, recordOf } from './record-builders.ts'

let broker: MemoryBroker
let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-record-'))
  file = join(folder, 'prices.ndjson')
  broker = createMemoryBroker({ partitions: { prices: 2, more: 1 } })
})
afterEach(async () => {
  await broker.close()
  await rm(folder, { recursive: true })
})

async function send(topic: string, partition: number, ...afterMs: readonly number[]): Promise<void> {
  const producer = broker.producer()
  await producer.connect()
  const records = afterMs.map((ms) => ({
    partition,
    value: JSON.stringify(priceAt(ms)),
    timestampMs: priceAt(ms).eventTimeMs,
  }))
  await producer.sendBatch(topic, records)
  await producer.close()
}

async function recorded(): Promise<ReplayRecord[]> {
  const records: ReplayRecord[] = []
  await replay({ from: { file }, to: { inProcess: { apply: (one) => void records.push(one) } } })
  return records
}

describe('a recording of what is there', () => {
  test('is in replay order, with place, key, headers and tombstones', async () => {
    const given = [
      recordOf(priceAt(0), { partition: 1, headers: [['feed', Buffer.from([0xff])]] }),
      recordOf(priceAt(5)),
      { ...recordOf(priceAt(7), { partition: 1, offset: 1 }), value: undefined },
    ]
    const producer = broker.producer()
    await producer.connect()
    for (const { topic, partition, key = null, value = null, headers, timestampMs } of given)
      await producer.sendBatch(topic, [{ partition, value, headers, timestampMs, ...(key === null ? {} : { key }) }])
    const report = await record({ broker, topics: ['prices'], file })
    expect(report).toMatchObject({ status: 'done', file, records: 3, filtered: 0, skipped: [] })
    expect(report.bytes).toBe((await readFile(file)).length)
    expect(await recorded()).toEqual(given)
  })

  test('holds several topics', async () => {
    await send('prices', 0, 0, 10)
    await send('more', 0, 5)
    await record({ broker, topics: ['prices', 'more', 'prices'], file })
    expect((await recorded()).map(({ topic }) => topic)).toEqual(['prices', 'more', 'prices'])
  })

  test('ends at max', async () => {
    await send('prices', 0, 0, 10, 20)
    expect((await record({ broker, topics: ['prices'], file, max: 2 })).records).toBe(2)
    expect((await recorded()).length).toBe(2)
  })

  test('may be empty', async () => {
    expect((await record({ broker, topics: ['prices'], file })).records).toBe(0)
    expect(await recorded()).toEqual([])
  })

  test('holds the wanted range', async () => {
    await send('prices', 0, 0, 10, 20)
    await record({ broker, topics: ['prices'], file, since: priceAt(10).eventTimeMs, until: priceAt(20).eventTimeMs })
    expect((await recorded()).map(({ timestampMs }) => timestampMs)).toEqual([priceAt(10).eventTimeMs])
  })
})

describe('a live recording', () => {
  test('holds what comes until the signal, without what was there before', async () => {
    await send('prices', 0, 0)
    const abort = new AbortController()
    const started = Promise.withResolvers<() => { records: number }>()
    const recording = record({
      broker,
      topics: ['prices'],
      file,
      live: true,
      signal: abort.signal,
      onStart: started.resolve,
    })
    const progress = await started.promise
    await send('prices', 1, 10)
    await send('prices', 0, 20)
    await until('both are recorded', () => progress().records === 2)
    abort.abort()
    expect(await recording).toMatchObject({ status: 'interrupted', records: 2 })
    expect((await recorded()).map(({ timestampMs }) => timestampMs - priceAt(0).eventTimeMs)).toEqual([10, 20])
  })

  test('begins at a given moment and ends at max', async () => {
    await send('prices', 0, 0, 10)
    const since = priceAt(10).eventTimeMs
    const recording = record({ broker, topics: ['prices'], file, live: true, since, max: 2 })
    await send('prices', 1, 20)
    expect((await recording).records).toBe(2)
  })
})

describe('what a killed recording has left', () => {
  test('is named when the next one starts, but not what another process writes', async () => {
    const { pid = 0 } = spawnSync(process.execPath, ['--version'])
    const left = join(folder, `.yesterday.ndjson.partial-${pid}`)
    await writeFile(left, '{"forewarm":"recording"')
    await writeFile(join(folder, `.other.ndjson.partial-${process.ppid}`), '{"forewarm":"recording"')
    const warnings: string[] = []
    await record({ broker, topics: ['prices'], file, onWarning: (warning) => warnings.push(warning) })
    expect(warnings).toEqual([`${left} is what a killed recording has left; it is not whole: delete it`])
  })
})

describe('record replaces nothing that is not its own', () => {
  test.each(['pipe', 'link', 'folder'])('a %s, even if it may replace files', async (kind) => {
    const target = join(folder, 'target')
    if (kind === 'pipe') execFileSync('mkfifo', [file])
    else if (kind === 'folder') await mkdir(file)
    else await symlink(target, file)
    const before = await lstat(file)
    await expect(record({ broker, topics: ['prices'], file, replace: true })).rejects.toMatchObject({
      code: 'not-writable',
    })
    expect((await lstat(file)).mode).toBe(before.mode)
  })

  test('a file that came while it recorded: the recording stays under the name that the error tells', async () => {
    await send('prices', 1, 2)
    const onStart = () => writeFileSync(file, 'of somebody else')
    const recording = record({ broker, topics: ['prices'], file, onStart })
    await expect(recording).rejects.toMatchObject({
      code: 'file-exists',
      message: expect.stringContaining('.partial-'),
    })
    expect(await readFile(file, 'utf8')).toBe('of somebody else')
    const left = (await readdir(folder)).filter((name) => name.includes('.partial-'))
    expect(left).toHaveLength(1)
    expect(await readFile(join(folder, left[0] ?? ''), 'utf8')).toContain('"end":true')
  })
})

describe('record leaves no file', () => {
  test('when the topic does not exist', async () => {
    await expect(record({ broker, topics: ['none'], file })).rejects.toMatchObject({ code: 'no-such-topic' })
    expect(await readdir(folder)).toEqual([])
  })

  test('when reading fails half way', async () => {
    await send('prices', 0, 0)
    const onStart = () => broker.disconnect()
    await expect(record({ broker, topics: ['prices'], file, stallMs: 1, onStart })).rejects.toMatchObject({
      code: expect.stringMatching(/stalled|unreachable/),
    })
    expect(await readdir(folder)).toEqual([])
  })

  test.each([
    [{ topics: [''] }, expect.stringContaining('topics: got ""; allowed: names of 1 to 249 letters')],
    [
      { topics: ['/^p/'] },
      expect.stringMatching(/got "\/\^p\/"; allowed: names, no pattern; the cluster has more, prices/),
    ],
    [{ fromOffset: 5 }, 'fromOffset: got 5, but the records end before offset 0'],
    [{ topics: [] }, 'topics: got none; allowed: at least one'],
    [{ max: 0 }, 'max: got 0; allowed: a whole number from 1'],
    [{ live: true, until: '2026-07-10' }, 'live: goes on until max or the signal; leave until and toOffset out'],
  ] as const)('for the options %j', async (given, message) => {
    await expect(record({ broker, topics: ['prices'], file, ...given })).rejects.toMatchObject({
      code: 'bad-option',
      message,
    })
    expect(await readdir(folder)).toEqual([])
  })
})
