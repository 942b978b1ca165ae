import { randomUUID } from 'node:crypto'
import { Control, type ControlOptions } from '../../node/control/control.ts'
import type { Broker } from '../../src/broker/port.ts'
import { ownTopics } from '../../src/broker/price-topics.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'
import { systemClock } from '../../src/clock.ts'
import type { Config } from '../../src/config/settings.ts'

export interface ControlLoan<T> extends Pick<ControlOptions, 'settings' | 'onOther'> {
  /** Ends the wait for what was set before. */
  readonly signal?: AbortSignal
  readonly body: (control: Control) => Promise<T>
}

const READ_MS = 30_000

/** Lends what operators set for the service, read to its end, and closes it whatever happens. Makes the topic if it is missing. */
export async function withControl<T>(
  broker: Broker,
  { kafka, node }: Config,
  { settings, onOther = () => undefined, signal, body }: ControlLoan<T>,
): Promise<T> {
  const topic = kafka.controlTopic
  await withAdmin(broker, (admin) => admin.createTopics(ownTopics(kafka, 1).filter((spec) => spec.topic === topic)))
  const producer = broker.producer()
  await producer.connect()
  const control = new Control({
    ...{ broker, producer, topic, settings, service: node.service, reader: randomUUID() },
    ...{ clock: systemClock, random: Math.random, onOther },
    onSet: () => undefined,
    onRefused: () => undefined,
    onEvent: () => undefined,
  })
  try {
    const late = AbortSignal.timeout(READ_MS)
    await control.follow(signal === undefined ? late : AbortSignal.any([signal, late]))
    return await body(control)
  } finally {
    await control.close()
    await producer.close({ flushMs: 0 })
  }
}
