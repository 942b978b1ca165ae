import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { ReplayFrom, ReplayOptions } from '../../src/replay/options.ts'
import { record } from '../../src/replay/record.ts'
import { replay } from '../../src/replay/replay.ts'
import { priceAt, recordOf, T0 } from './record-builders.ts'
import { openStage, type ReplayStage } from './replay-stage.ts'
import { virtualTime } from './virtual-time.ts'

const HOUR_MS = 3_600_000
const SPAN_MS = 3 * HOUR_MS
const LATE = 2_000

let stage: ReplayStage

beforeEach(async () => {
  stage = await openStage()
  const admin = stage.broker.admin()
  await admin.connect()
  await admin.createTopics([
    { topic: 'hour', partitions: 3, config: { 'message.timestamp.after.max.ms': String(HOUR_MS) } },
    { topic: 'short', partitions: 3, config: { 'retention.ms': String(HOUR_MS) } },
  ])
})
afterEach(() => stage.close())

/** More than a batch in the present, then one record hours later. */
const updates = () => [...Array.from({ length: LATE }, (_, i) => priceAt(i % 1_000)), priceAt(SPAN_MS)]

const SOURCES: readonly (readonly [string, () => Promise<ReplayFrom>])[] = [
  [
    'a topic',
    async () => {
      await stage.send(updates().map((update, i) => recordOf(update, { partition: i % 3 })))
      return { topic: 'prices' }
    },
  ],
  [
    'a recording',
    async () => {
      await stage.send(updates().map((update, i) => recordOf(update, { partition: i % 3 })))
      const file = join(stage.folder, 'recorded.ndjson')
      await record({ broker: stage.broker, topics: ['prices'], file })
      return { file }
    },
  ],
  ['a price file', async () => ({ file: await stage.priceFile(updates()) })],
]

describe.each(SOURCES)('a replay from %s', (_, open) => {
  test('that would be refused for its last record writes none', async () => {
    const options = { ...(await into('hour', open)), time: virtualTime(T0) }
    const refused = { code: 'timestamp-ahead', message: expect.stringContaining('10800 s ahead of the clock') }
    await expect(replay(options)).rejects.toMatchObject(refused)
    await expect(replay({ ...options, timestamps: 'shift' })).rejects.toMatchObject(refused)
    await expect(replay({ ...options, timestamps: 'shift', speed: 4 })).rejects.toMatchObject({
      message: expect.stringContaining('8100 s ahead of the clock'),
    })
    expect(await stage.contentsOf('hour')).toEqual([])
    expect((await replay({ ...options, timestamps: 'now' })).replayed).toBe(LATE + 1)
  })

  test('is not refused for a record that it does not take, or takes at its own time', async () => {
    const options = { ...(await into('hour', open)), time: virtualTime(T0) }
    expect((await replay({ ...options, filters: { max: 10 } })).replayed).toBe(10)
    const from = { ...options.from, until: T0 + HOUR_MS }
    expect((await replay({ ...options, from })).replayed).toBe(LATE)
    expect((await replay({ ...options, timestamps: 'shift', speed: 1 })).replayed).toBe(LATE + 1)
  })

  test('says before it starts that the topic will delete records at once', async () => {
    const story: string[] = []
    const options = {
      ...(await into('short', open)),
      onWarning: (warning: string) => void story.push(warning),
      onStart: () => void story.push('started'),
    }
    await replay({ ...options, time: virtualTime(T0 + 2 * HOUR_MS) })
    const warning = `a record of ${new Date(T0).toISOString()} is older than short keeps records, 3600 s (retention.ms): it will be deleted at once; replay with timestamps "shift" or "now", or set retention.ms=-1`
    expect(story).toEqual([warning, 'started'])
    story.length = 0
    await replay({ ...options, time: virtualTime(T0 + HOUR_MS) })
    expect(story).toEqual(['started'])
  })
})

async function into(topic: string, open: () => Promise<ReplayFrom>): Promise<ReplayOptions> {
  return { broker: stage.broker, from: await open(), to: { topic } }
}
