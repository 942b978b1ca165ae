import { javaPerf } from '../stages/java-perf.ts'
import type { Backlog, ReaderStage } from '../stages/stage.ts'

/**
 * Records a second that Kafka's `kafka-consumer-perf-test` fetches from a backlog. It parses nothing, and the time of
 * joining is left out.
 */
export async function javaFetchRate(
  stage: ReaderStage,
  { topic, updates, updatesPerRecord }: Backlog,
): Promise<number> {
  const { brokers } = await stage.backends()
  const records = updates / updatesPerRecord
  const output = await javaPerf('ConsumerPerformance', [
    ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--messages', `${records}`, '--hide-header'],
  ])
  // start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms,
  // fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec
  const columns = output.trim().split(', ')
  const [fetched, rate] = [Number(columns[4]), Number(columns[9])]
  if (!(fetched >= records && rate > 0)) throw new Error(`expected ${records} records to be fetched, got: ${output}`)
  return rate
}
