import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { RecordingWriter } from '../../src/replay/recording/writer.ts'
import { forewarm } from './forewarm-process.ts'

/** Nothing listens on this port: what is refused is refused before Kafka is asked. */
const env = { KAFKA_BROKERS: '127.0.0.1:1', WARM_REQUESTS_TOPIC: 'asks' }

test.each([
  [['replay', 'x', '--stdout', '--detectors', 'd.mjs'], '--detectors goes with --in-process'],
  [['replay', 'x', '--stdout', '--to-brokers', 'a:1'], '--to-brokers goes with --to or --to-prefix'],
  [['replay', 'x', '--in-process', '--target-partitions', '3'], '--target-partitions goes with --to or --to-prefix'],
  [['replay', 'x', '--stdout', '--force'], '--force goes with --to or --to-prefix'],
  [['replay', 'x', '--stdout', '--skip-bad'], '--skip-bad goes with a file of price updates'],
  [['replay', 'x.ndjson', '--stdout', '--config', 'c.json'], '--config goes with topics, a recording, or --in-process'],
  [['replay', 'x.ndjson', '--stdout', '--formats', 'f.ts'], '--formats goes with topics, a recording, or --in-process'],
  [['replay', 'x', '--to', 'y', '--yes-really'], '--yes-really goes with --force'],
  [['replay', 'x.dlq', '--to-prefix', 'test.'], '--to-prefix: test.x.dlq is no price topic'],
  [['replay', 'ks', '--to-prefix', 'as'], '--to-prefix: asks is no price topic'],
  [['warm', 'A', '--chain', 'e', '--timeout-ms', '5'], '--timeout-ms goes with --wait'],
  [['simulate', '--accesses', 'x', '--max-reads', '3'], '--max-reads goes with --prices, not with --accesses'],
  [['simulate', '--accesses', 'x', '--force'], '--force goes with --report'],
  [['replay', 'x', '--to', 'x.dlq'], '--to: x.dlq is no price topic'],
  [['replay', 'x', '--to', 'asks'], '--to: asks is no price topic'],
  [['produce', 'x', '--topic', 'asks'], '--topic: asks is no price topic'],
  [['produce', 'x', '--topic', 'warm-results'], '--topic: warm-results is no price topic'],
  [['produce', 'x', '--topic', 'prices.dlq'], '--topic: prices.dlq is no price topic'],
])('forewarm %j is refused, since it would do what nobody wants or nothing', async (args, message) => {
  const { code, stdout, stderr } = await forewarm(args, { env })
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
})

test('forewarm replay refuses --skip-bad with a recording, which is read whole or not at all', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'forewarm-idle-'))
  const file = join(folder, 'a.ndjson')
  const writer = await RecordingWriter.create(file, { topics: { prices: 1 }, clusterId: 'a' }, false)
  await writer.finish('none')
  const { code, stderr } = await forewarm(['replay', file, '--stdout', '--skip-bad'], { env })
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('not with a recording') })
  await rm(folder, { recursive: true })
})
