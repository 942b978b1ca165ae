import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { Overrides } from '../../../src/config/settings.ts'
import { sendingThrough } from '../../node/output-broker.ts'

export interface FinderTask {
  readonly brokers: readonly string[]
  readonly output: string
  readonly config: Overrides
}

/** A node in a process of its own that says what it has found, and never gets it through to Kafka. */
const { createNode, detector } = await import('../../../index.ts')
const { brokers, output, config }: FinderTask = JSON.parse(process.argv[2] ?? '')
const kafka = createKafkaBroker({ brokers, clientId: 'child-finder' })
const broker = sendingThrough(kafka, output, () => {
  process.send?.('found')
  return new Promise(() => undefined)
})
const detectors = [detector('found', { output }, ({ price }) => price)]
const node = await createNode({
  env: {},
  logLevel: 'error',
  l2: 'memory',
  start: 'earliest',
  broker,
  detectors,
  config,
})
await node.start()
