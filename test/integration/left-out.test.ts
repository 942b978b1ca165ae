import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createDeadLetters, type DeadLetterSource } from '../../producers/dead-letters.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { createKafkaBroker } from '../../src/broker/kafka/broker.ts'
import type { Broker, OutgoingRecord } from '../../src/broker/port.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'
import { systemClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { type Ended, forewarm } from '../bin/forewarm-process.ts'
import { batchOf } from '../consumers/batch.ts'
import { kafkaBrokers, uniqueName } from '../harness/kafka.ts'

const ENV = { KAFKA_BROKERS: kafkaBrokers().join(',') }
/** More than a batch may have when it is unpacked. */
const BOMB = Buffer.alloc(65 * 1024 * 1024)
const PRICES = uniqueName('prices')
const DAMAGED = uniqueName('damaged')
const EMPTY = uniqueName('empty')

let folder: string
let broker: Broker
let now: number

beforeAll(async () => {
  now = Date.now()
  folder = await mkdtemp(join(tmpdir(), 'forewarm-left-out-'))
  broker = createKafkaBroker({ brokers: kafkaBrokers(), clientId: 'left-out', compression: 'zstd' })
  await withAdmin(broker, (admin) =>
    admin.createTopics([PRICES, DAMAGED, EMPTY, `${PRICES}.dlq`].map((topic) => ({ topic, partitions: 1 }))),
  )
  await send(PRICES, [priceAt(0), priceAt(1), priceAt(2)].map(recordOf))
  await send(DAMAGED, [recordOf(priceAt(0))])
  await send(DAMAGED, [{ partition: 0, value: BOMB }])
  await send(DAMAGED, [recordOf(priceAt(1))])
})
afterAll(async () => {
  await broker.close()
  await rm(folder, { recursive: true })
})

function priceAt(afterMs: number): PriceUpdate {
  return { pair: 'A', chain: 'c', price: 1 + afterMs, eventTimeMs: now - 1000 + afterMs }
}

function recordOf(update: PriceUpdate): OutgoingRecord {
  return { partition: 0, key: 'c', value: JSON.stringify(update), timestampMs: update.eventTimeMs }
}

async function send(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
  const producer = broker.producer()
  await producer.connect()
  await producer.sendBatch(topic, records)
  await producer.close()
}

async function sendLetter(letter: DeadLetterSource): Promise<void> {
  const producer = broker.producer()
  await producer.connect()
  const send = createDeadLetters({
    ...{ producer, groupId: 'forewarm.default', clock: systemClock, metrics: createMetrics(), version: '1.2.3' },
    onLost: (_, error) => expect(error).toBeUndefined(),
    sleep: async () => {},
  })
  await send(letter)
  await producer.close()
}

function call(...args: readonly string[]): Promise<Ended> {
  return forewarm(args, { env: ENV })
}

describe('records that cannot be read are named with reason and place, and the exit code is 1', () => {
  test.each([
    ['tail', () => ['tail', DAMAGED, '--no-follow', '--json']],
    ['tail --max', () => ['tail', DAMAGED, '--from-beginning', '--max', '2']],
    ['record', () => ['record', DAMAGED, '-o', join(folder, 'damaged.ndjson')]],
    ['replay', () => ['replay', DAMAGED, '--stdout']],
  ])('by %s', async (_, args) => {
    const { code, stderr } = await call(...args())
    expect(stderr).toMatch(new RegExp(`skipped 1: undecodable-batch \\(${DAMAGED}/0 offset 1: .+\\)`))
    expect(code).toBe(1)
  })
})

describe('tail --no-follow', () => {
  test('prints what is there and ends, even if --max is more', async () => {
    for (const max of [[], ['--max', '7']]) {
      const { code, stdout, stderr } = await call('tail', PRICES, '--no-follow', ...max)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout.trimEnd().split('\n').length).toBe(3)
    }
  })

  test('says that a topic has no records', async () => {
    const { code, stdout, stderr } = await call('tail', EMPTY, '--no-follow')
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: `there is no record in ${EMPTY}\n` })
  })

  test('shows dead letters with reason, origin and time', async () => {
    const record = { value: '{"x', timestampMs: now }
    const batch = batchOf([record], { topic: PRICES, partition: 3, baseOffset: 2n ** 40n })
    await sendLetter({ batch, index: 0, reason: 'not-json', detail: 'Unexpected token' })
    const people = await call('tail', `${PRICES}.dlq`, '--no-follow')
    const at = new Date(now).toISOString()
    expect(people.stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}refused: not-json {2}/)
    expect(people.stdout).toContain(`  ${PRICES}/3 offset ${2n ** 40n} of ${at}  Unexpected token  "{\\"x"\n`)
    const { stdout } = await call('tail', `${PRICES}.dlq`, '--no-follow', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'dead-letter',
      letter: { reason: 'not-json', topic: PRICES, partition: 3, offset: String(2n ** 40n), timestampMs: now },
      value: '{"x',
    })
  })
})

describe('nothing read is a failure', () => {
  test.each([
    ['replay', () => ['replay', EMPTY, '--stdout']],
    ['record', () => ['record', EMPTY, '-o', join(folder, 'empty.ndjson')]],
  ])('of %s', async (_, args) => {
    const { code, stderr } = await call(...args())
    expect(stderr).toMatch(/nothing was (replayed|recorded)/)
    expect(code).toBe(1)
  })
})
