import { type Broker, BrokerError, type OutgoingRecord, type Producer } from '../../src/broker/port.ts'

/** Sends a batch, or does something else instead. */
export type Send = (
  real: () => ReturnType<Producer['sendBatch']>,
  records: readonly OutgoingRecord[],
) => ReturnType<Producer['sendBatch']>

/** The broker, but for what its producers send to the topic. */
export function sendingThrough(broker: Broker, topic: string, send: Send): Broker {
  const producer = (): Producer => {
    const real = broker.producer()
    return {
      sendBatch: (to, records) =>
        to === topic ? send(() => real.sendBatch(to, records), records) : real.sendBatch(to, records),
      connect: () => real.connect(),
      partitions: (of) => real.partitions(of),
      flush: () => real.flush(),
      close: (options) => real.close(options),
    }
  }
  return {
    ...{ kind: broker.kind, producer },
    consumer: (options) => broker.consumer(options),
    admin: () => broker.admin(),
    close: () => broker.close(),
  }
}

/** Sends nothing until it comes back. */
export function awayBroker(): { readonly send: Send; attempts(): number; comesBack(): void } {
  let attempts = 0
  let isAway = true
  return {
    attempts: () => attempts,
    comesBack: () => {
      isAway = false
    },
    send: (real) => {
      if (!isAway) return real()
      attempts++
      return Promise.reject(new BrokerError('unreachable', 'no leader', { retriable: true }))
    },
  }
}
