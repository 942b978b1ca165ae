import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { detector } from '../../../src/detect/detector.ts'
import { forewarm } from '../../bin/forewarm-process.ts'
import { encoder } from '../../formats/protobuf/stage.ts'
import { kafkaBrokers } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { onKafka } from '../../node/kafka-stage.ts'
import { header } from '../../node/stage.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-protobuf-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

const TICKS = `syntax = "proto3";
package feed;
import "google/protobuf/timestamp.proto";
message Ticks {
  google.protobuf.Timestamp at = 1;
  repeated Tick ticks = 2;
}
message Tick { string sym = 1; double last = 2; }
`

describe('records of Protobuf without a registry', () => {
  test('are read by a node, tail and format check, and a broken one is a dead letter with its reason', async () => {
    await onKafka({}, async (stage) => {
      const schema = join(folder, 'ticks.proto')
      await writeFile(schema, TICKS)
      const configFile = join(folder, 'forewarm.config.json')
      const mapping = {
        ...{ type: 'protobuf', schema, message: 'feed.Ticks', updates: 'ticks' },
        ...{ chain: { const: 'v' }, pair: 'sym', price: 'last', eventTimeMs: { outer: 'at' } },
      }
      await writeFile(configFile, JSON.stringify({ formats: { [stage.topic]: mapping } }))
      const encode = encoder(TICKS, 'feed.Ticks')
      const at = { seconds: Math.floor(Date.now() / 1000), nanos: 5_000_000 }
      const good = (...syms: readonly string[]) =>
        encode({ at, ticks: syms.map((sym, index) => ({ sym, last: index + 0.5 })) })
      const values = [good('A', 'B'), good('A').subarray(0, -1), good('C')]
      await stage.produceRecords(...values.map((value) => ({ partition: 0, value })))

      const handled: PriceUpdate[] = []
      await stage.startNode({
        ...{ configFile, start: 'earliest' },
        detectors: [detector('all', {}, (update) => void handled.push(update))],
      })
      await until('all are read', () => handled.length === 3)
      expect(handled.map(({ pair, price, eventTimeMs }) => [pair, price, eventTimeMs])).toEqual([
        ['A', 0.5, at.seconds * 1000 + 5],
        ['B', 1.5, at.seconds * 1000 + 5],
        ['C', 0.5, at.seconds * 1000 + 5],
      ])
      const [letter] = await stage.deadLetters(1)
      expect(letter?.value).toEqual(values[1])
      expect(letter && header(letter, 'forewarm-error-code')).toBe('not-protobuf')

      const env = { KAFKA_BROKERS: kafkaBrokers().join(',') }
      const tail = await forewarm(['tail', stage.topic, '--no-follow', '--json', '--config', configFile], { env })
      const lines = tail.stdout.trim().split('\n')
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { kind: 'prices', updates: [{ pair: 'A' }, { pair: 'B' }] },
        { kind: 'other' },
        { kind: 'prices', updates: [{ pair: 'C' }] },
      ])
      const check = await forewarm(['format', 'check', stage.topic, '--json', '--config', configFile], { env })
      expect(JSON.parse(check.stdout)).toMatchObject({
        ...{ records: 3, updates: 3, pairs: 3 },
        refused: [{ reason: 'not-protobuf', records: 1, first: { offset: '1' } }],
      })
    })
  })
})
