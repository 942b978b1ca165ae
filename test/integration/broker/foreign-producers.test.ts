import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { expectEqual, startReading } from '../../broker/peers/comparison.ts'
import { randomRecords } from '../../broker/peers/schedule.ts'
import { hasJava } from '../../harness/java.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'
import { type ForeignProducer, type ForeignWrite, franzGo, librdkafka } from '../../harness/peers/foreign-producers.ts'
import { CODECS, JavaPeer, type PeerRecord } from '../../harness/peers/java-peer.ts'
import { until } from '../../harness/until.ts'

const SEED = Number(process.env.FOREWARM_SEED ?? Date.now() % 2 ** 31)
console.log(`seed ${SEED}; FOREWARM_SEED=${SEED} writes the same records again`)
const WRITES = 12

const producers = [
  ['librdkafka', await librdkafka()],
  ['franz-go', await franzGo()],
] as const
const broker = createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('foreign') })
let java: JavaPeer | undefined

beforeAll(async () => {
  if (hasJava) java = await JavaPeer.start()
})

afterAll(() => Promise.all([java?.close(), broker.close()]))

describe.each(producers)('what %s wrote', (_, producer) => {
  const testWithProducer = producer === undefined ? test.skip : test

  testWithProducer.each(CODECS)('with the codec %s is read as it was written, and as Java reads it', async (codec) => {
    const topic = uniqueName('foreign')
    const admin = broker.admin()
    await admin.connect()
    await admin.createTopics([{ topic, partitions: 1 }])
    const random = mulberry32(SEED)
    const writes = Array.from({ length: WRITES }, (): ForeignWrite => {
      const [transaction, outcome] = [random(), random()]
      const records = randomRecords({ random, nowMs: Date.now() })
      const end = outcome < 0.5 ? 'commit' : 'abort'
      return { partition: 0, codec, records, ...(transaction < 0.6 && { end }) }
    })
    const brokers = kafkaBrokers().join(',')
    await (producer as ForeignProducer).write({ brokers, topic, transactional: uniqueName('foreign'), writes })
    const ours = await startReading(broker, [{ topic, partition: 0, from: 0n }])
    const written = writes.flatMap(({ end, records }) => (end === 'abort' ? [] : records.map(lineWithoutOffset)))
    const lines = () => [...ours.lines.values()].flat().map((line) => line.slice(line.indexOf(' ') + 1))
    await until('all are read', () => lines().length >= written.length)
    expect(lines()).toEqual(written)
    if (java !== undefined) await expectEqual(ours, await java.read([{ topic, partition: 0, from: 0n }]))
    await ours.consumer.stop()
    await admin.deleteTopics([topic])
  })
})

function lineWithoutOffset({ timestampMs, key, value, headers }: PeerRecord): string {
  const names = headers.map(([name, value]) => ` ${Buffer.from(name).toString('base64')}:${value ?? ''}`)
  return `${timestampMs} ${key ?? '-'} ${value ?? '-'}${names.join('')}`
}
