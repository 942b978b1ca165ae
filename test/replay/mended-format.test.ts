import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { replayText } from '../../bin/terminal/replay-text.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'
import { format } from '../../src/formats/function-format.ts'
import { record } from '../../src/replay/record.ts'
import { replay } from '../../src/replay/replay.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'

const NOW_MS = Date.now()
/** As it was written first: who wrote it took the price for the size. */
const FAULTY = { chain: { const: 'x' }, pair: 's', price: 'q', eventTimeMs: 't' }
const MENDED = { ...FAULTY, price: 'p', skip: { path: 'result', exists: true } }
const VALUES = [
  `{ "s":"ETH", "p":"3120.50", "q":1,"t":${NOW_MS} }`,
  '{"result":null}',
  `{"s":"BTC","p":64012.1,"q":"two","t":${NOW_MS + 1}}`,
]

let broker: MemoryBroker
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-mended-'))
  broker = createMemoryBroker()
  await withAdmin(broker, (admin) => admin.createTopics([{ topic: 'quotes', partitions: 1 }]))
  const producer = broker.producer()
  await producer.connect()
  await producer.sendBatch(
    'quotes',
    VALUES.map((value) => ({ partition: 0, value })),
  )
})
afterEach(async () => {
  await broker.close()
  await rm(folder, { recursive: true })
})

const of = (mapping: Record<string, unknown>) => [format('/^quotes$/', mapping)]

/** Replays the file by a mapping. Returns the report and the records as they came. */
async function replayed(file: string, mapping: Record<string, unknown> | undefined) {
  const records: ReplayRecord[] = []
  const report = await replay({
    from: { file },
    to: { inProcess: { apply: (each) => void records.push(each) } },
    ...(mapping !== undefined && { formats: of(mapping) }),
    verifyHash: true,
  })
  return { report, records }
}

test('a recording is of the bytes, so that a mended mapping reads what the faulty one did not', async () => {
  const file = join(folder, 'quotes.ndjson')
  const { stateHash } = await record({ broker, topics: ['quotes'], file, formats: of(FAULTY) })
  const faulty = await replayed(file, FAULTY)
  expect(faulty.report).toMatchObject({ updates: 1, stateHash, hashMatches: true, kinds: { prices: 1, other: 2 } })
  const mended = await replayed(file, MENDED)
  expect(mended.report).toMatchObject({ updates: 2, hashMatches: false, kinds: { prices: 2, other: 1 } })
  for (const { records } of [faulty, mended]) expect(records.map(({ value }) => `${value}`)).toEqual(VALUES)
})

test('a replay says by which format the records were read whose hash it compares', async () => {
  const file = join(folder, 'quotes.ndjson')
  await record({ broker, topics: ['quotes'], file, formats: of(MENDED) })
  const { report } = await replayed(file, MENDED)
  expect(report).toMatchObject({ hashMatches: true, formats: { quotes: '/^quotes$/' } })
  const words = 'quotes was read by the format of /^quotes$/\nstate hash '
  expect(replayText(report)).toContain(words)
  const own = await replayed(file, undefined)
  expect(own.report).toMatchObject({ hashMatches: false, formats: {} })
  const many = { a: 'one', b: 'one', c: '/c/' }
  expect(replayText({ ...report, formats: many })).toContain(
    '2 topics were read by the format of one\nc was read by the format of /c/\n',
  )
})
