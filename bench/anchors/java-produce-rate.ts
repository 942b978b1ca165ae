import { javaPerf } from '../stages/java-perf.ts'
import type { Stage } from '../stages/stage.ts'

export interface JavaProduced {
  readonly topic: string
  readonly records: number
  readonly recordBytes: number
}

const PROPERTIES = ['acks=all', 'linger.ms=5']
const UNTHROTTLED = '-1'
/** The last line of the output, over all records. */
const TOTAL = /^(\d+) records sent, ([\d.]+) records\/sec .* 99\.9th\.$/

/**
 * Records a second that Kafka's `kafka-producer-perf-test` gets acknowledged. It sends the same bytes again and again,
 * without a key, and the start of its JVM is left out.
 */
export async function javaProduceRate(stage: Stage, { topic, records, recordBytes }: JavaProduced): Promise<number> {
  const { brokers } = await stage.backends()
  const output = await javaPerf('ProducerPerformance', [
    ...['--topic', topic, '--num-records', `${records}`, '--record-size', `${recordBytes}`],
    ...['--throughput', UNTHROTTLED, '--producer-props', `bootstrap.servers=${brokers.join(',')}`, ...PROPERTIES],
  ])
  const [, sent, rate] = TOTAL.exec(output.trim().split('\n').at(-1) ?? '') ?? []
  if (Number(sent) !== records) throw new Error(`expected ${records} records to be sent, got: ${output}`)
  return Number(rate)
}
