import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { RecordingWriter } from '../../../src/replay/recording/writer.ts'
import { type PriceTape, readPriceTape } from '../../../src/simulate/traffic/price-tape.ts'

const T0 = 1_783_715_268_000
const EVENTS = 'pair,event\na,e\nb,e\nc,e\nd,f\n'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-tape-'))
})
afterAll(() => rm(folder, { recursive: true }))

function line(pair: string, eventTimeMs: number, group?: string): string {
  return JSON.stringify({ pair, chain: 'polygon', price: 0.5, eventTimeMs, group })
}

function seconds(fromMs: number, updates: number): readonly string[] {
  return Array.from({ length: updates }, (_, i) => line('a', fromMs + i * 1000))
}

/** Ten years, in milliseconds. */
const LATER = 3e11

const PRICES = [line('a', T0), line('b', T0), line('d', T0 + 2)].join('\n')

interface Given {
  readonly prices?: string | Buffer
  readonly events?: string | Buffer
  readonly byGroup?: boolean
  readonly pricesName?: string
  readonly eventsName?: string
  readonly maxReads?: number
  readonly spacingUs?: number
  readonly signal?: AbortSignal
}

async function tapeOf(given: Given = {}): Promise<PriceTape> {
  const { pricesName = 'prices.ndjson', eventsName = 'events.csv', maxReads = 8, spacingUs = 50 } = given
  const prices = join(folder, pricesName)
  const events = join(folder, eventsName)
  await writeFile(prices, given.prices ?? PRICES)
  await writeFile(events, given.events ?? EVENTS)
  return readPriceTape({
    ...{ prices, events: given.byGroup === true ? undefined : events, maxReads, spacingUs },
    ...(given.signal !== undefined && { signal: given.signal }),
  })
}

describe('a price tape', () => {
  test('has the pairs of the events in order, and the reads on the update of each', async () => {
    const { pairs, updates, reads } = await tapeOf()
    expect({ pairs, updates: [...updates] }).toEqual({ pairs: 4, updates: [0, 1, 3] })
    expect(reads.map((of) => [...of])).toEqual([[1, 2], [0, 2], [0, 1], []])
  })

  test('without events has the pairs of groups, by first appearance', async () => {
    const prices = [line('b', T0, 'g'), line('x', T0), line('a', T0, 'g'), line('b', T0 + 1, 'g')].join('\n')
    const { pairs, updates, reads } = await tapeOf({ prices, byGroup: true })
    expect({ pairs, updates: [...updates] }).toEqual({ pairs: 3, updates: [0, 1, 2, 0] })
    expect(reads.map((of) => [...of])).toEqual([[2], [], [0]])
  })

  test('can come from a recording, whatever else that holds', async () => {
    const file = join(folder, 'recording.ndjson.gz')
    const place = { partition: 0, timestampMs: T0, headers: [] }
    const request = { v: 1, requestId: 'r', chain: 'polygon', pairs: ['a'], origin: 'manual', priority: 'low' }
    const sent = JSON.stringify({ ...request, issuedAtMs: T0 })
    const values = [line('a', T0, 'g'), '{"v":1}', sent, line('a', T0 + LATER, 'g'), line('b', T0, 'g')]
    const records = values.map((value, i) => ({
      ...{ ...place, topic: 'prices', offset: BigInt(i), key: Buffer.from('k'), value: Buffer.from(value) },
    }))
    const writer = await RecordingWriter.create(file, { topics: { prices: 1 }, clusterId: undefined }, false)
    await writer.write(records)
    await writer.finish('f'.repeat(64))
    const tape = await readPriceTape({ prices: file, events: undefined, maxReads: 8, spacingUs: 50 })
    const { updates, pairs, unreadable, mistimed } = tape
    expect({ updates: [...updates], pairs }).toEqual({ updates: [0, 1], pairs: 2 })
    const first = `${file}, topic prices, partition 0, offset 1`
    expect(unreadable).toEqual([{ reason: 'missing-pair', records: 1, first }])
    expect(mistimed).toMatchObject({ updates: 1, of: 3, place: `${file}, topic prices, partition 0, offset 3` })
  })

  test('reads no more siblings than `maxReads`', async () => {
    expect((await tapeOf({ maxReads: 1 })).reads.map((of) => [...of])).toEqual([[1], [0], [0], []])
  })

  test('spaces updates of one event time', async () => {
    const { timesUs, batches } = await tapeOf()
    expect([...timesUs].map((us) => us - T0 * 1000)).toEqual([0, 50, 2000])
    expect([...batches]).toEqual([0, 0, 2])
    const later = ['a', 'b', 'c'].flatMap((pair) => [line(pair, T0 + 7), line(pair, T0 + 7)])
    const { batches: larger } = await tapeOf({ prices: [line('a', T0), ...later].join('\n') })
    expect([...larger]).toEqual([0, 1, 1, 1, 1, 1, 1])
  })

  test('needs only one update of a pair with siblings', async () => {
    const { updates, unknownUpdates } = await tapeOf({ prices: [line('a', T0), line('x', T0)].join('\n') })
    expect([updates.length, unknownUpdates]).toEqual([1, 1])
  })

  test('never runs backwards, however many updates share a time', async () => {
    const prices = [...Array.from({ length: 100 }, () => line('a', T0)), line('b', T0 + 1)].join('\n')
    const { timesUs } = await tapeOf({ prices })
    expect([...timesUs]).toEqual([...timesUs].toSorted((a, b) => a - b))
  })

  test('counts updates that are older than the one before, and those of pairs in no event', async () => {
    const prices = [line('a', T0), line('b', T0 - 5), line('x', T0), line('c', T0)].join('\n')
    const { updates, timesUs, backwards, unknownUpdates } = await tapeOf({ prices })
    expect({ updates: [...updates], backwards, unknownUpdates }).toEqual({
      ...{ updates: [0, 1, 2], backwards: 1, unknownUpdates: 1 },
    })
    expect([...timesUs].map((us) => us - T0 * 1000)).toEqual([0, 50, 100])
  })

  test('leaves out updates far ahead of their time, and names the first', async () => {
    const times = [0, 1, LATER, 2, -3, 4]
    const prices = [...times.map((after) => line('a', T0 + after)), line('b', T0 + 4)].join('\n')
    const { updates, timesUs, backwards, mistimed } = await tapeOf({ prices })
    expect([...timesUs]).toEqual([0, 1, 2, 2.05, 4, 4.05].map((after) => T0 * 1000 + after * 1000))
    expect({ updates: [...updates], backwards }).toEqual({ updates: [0, 0, 0, 0, 0, 1], backwards: 1 })
    const place = `${join(folder, 'prices.ndjson')}, line 3`
    expect(mistimed).toEqual({ updates: 1, of: 7, place, eventTimeMs: T0 + LATER, otherEventTimeMs: T0 + 2 })
    expect((await tapeOf()).mistimed).toBeUndefined()
  })

  test('ignores the times of pairs that are not in the events', async () => {
    const unknown = line('x', T0 + LATER)
    expect((await tapeOf({ prices: [unknown, PRICES].join('\n') })).mistimed).toBeUndefined()
  })

  test('takes packed files and records of several updates, and ignores delistings', async () => {
    const prices = gzipSync(
      `${`[${line('a', T0)},${line('b', T0)}]`}\n{"pair":"a","chain":"polygon","delisted":true}\n\n`,
    )
    const packed = { pricesName: 'p.ndjson.gz', prices, eventsName: 'e.csv.gz', events: gzipSync(EVENTS) }
    expect([...(await tapeOf(packed)).updates]).toEqual([0, 1])
  })

  test.each([
    ['a byte order mark', { prices: `\ufeff${PRICES}`, events: `\ufeff${EVENTS}` }],
    [
      'line ends of two characters',
      { prices: PRICES.replaceAll('\n', '\r\n'), events: EVENTS.replaceAll('\n', '\r\n') },
    ],
    ['blanks around the columns', { events: EVENTS.replaceAll(',', ' , ').replace('pair , event', 'pair,event') }],
  ])('is the same with %s', async (_, given) => {
    expect({ ...(await tapeOf(given)), name: '' }).toEqual({ ...(await tapeOf()), name: '' })
  })

  test('is no longer read when its signal is aborted', async () => {
    await expect(tapeOf({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  })
})

describe('a price tape is refused by file, line and column:', () => {
  test.each([
    ['events without a heading', { events: 'a,e\nb,e\n' }, /events.csv, line 1: expected the heading pair,event/],
    ['events with other columns', { events: 'pair;event\na;e\n' }, /events.csv, line 1: expected the heading/],
    ['a line without an event', { events: 'pair,event\na,e\nb\n' }, /line 3: column "event": expected a name/],
    ['a line without a pair', { events: 'pair,event\n,e\n' }, /line 2: column "pair": expected a name/],
    ['a line of three columns', { events: 'pair,event\na,e,1\n' }, /line 2: column 3: expected two columns, got 3/],
    ['a pair twice', { events: 'pair,event\na,e\na,f\n' }, /line 3: column "pair": "a" is on an earlier line already/],
    ['a pair in quotes', { events: 'pair,event\n"a","e"\n' }, /line 2: column "pair": expected a name without quotes/],
    ['a heading that comes again', { events: `${EVENTS}${EVENTS}` }, /line 6: .*, got the heading pair,event again/],
    [
      'events in another encoding',
      { events: Buffer.from('pair,event\n\xe9,e\n', 'latin1') },
      /events.csv, line 2: expected UTF-8, got other bytes/,
    ],
    [
      'prices in another encoding',
      { prices: Buffer.from(`${PRICES}\n${line('\xe9', T0)}`, 'latin1') },
      /prices.ndjson, line 4, column \d+: not-json: expected UTF-8, got other bytes/,
    ],
    ['no events', { events: '' }, /events.csv has no pairs/],
    ['no prices', { prices: '' }, /prices.ndjson has no price update: expected one a line/],
    ['prices without groups or events', { byGroup: true }, /anything is read: expected updates with a `group`/],
    [
      'prices of other pairs',
      { prices: line('x', T0) },
      /prices.ndjson has no update on which anything is read: expected updates of pairs that share/,
    ],
    [
      'a line that ends early',
      { prices: `${line('a', T0)}\n{"pair":"a` },
      /prices.ndjson, line 2, column 11: not-json: Unterminated string in JSON$/,
    ],
    [
      'a number that is none',
      { prices: '{"price":NaN}' },
      /prices.ndjson, line 1, column 10: not-json: Unexpected token 'N'/,
    ],
    [
      'a line without a time',
      { prices: '{"pair":"a","chain":"p","price":1}' },
      /prices.ndjson, line 1, column 1: .*eventTimeMs/,
    ],
    [
      'files of two days in the wrong order, the longer one last',
      { prices: [...seconds(T0 + LATER, 10_100), ...seconds(T0, 10_200)].join('\n') },
      /prices.ndjson, line 10101: its event time is 2026-.*Z, but updates near it are of 2036-.*Z; 10200 of 20300 updates are that/,
    ],
    ['prices that are not packed', { pricesName: 'p.ndjson.gz' }, /p.ndjson.gz cannot be read after line 0/],
    [
      'prices cut off',
      { pricesName: 'c.ndjson.gz', prices: gzipSync(PRICES).subarray(0, 60) },
      /c.ndjson.gz cannot be/,
    ],
  ] as const)('%s', async (_, given, message) => {
    await expect(tapeOf(given)).rejects.toThrow(message)
  })

  test.each(['/dev/null', '.'])('a path that is no file: %s', async (prices) => {
    const tape = readPriceTape({ prices, events: undefined, maxReads: 8, spacingUs: 50 })
    await expect(tape).rejects.toMatchObject({
      code: 'no-such-file',
      message: expect.stringContaining('is no file: a pipe cannot be read twice; save it to a file'),
    })
  })
})
