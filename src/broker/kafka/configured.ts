import type { Config } from '../../config/settings.ts'
import type { Broker, BrokerEvent } from '../port.ts'
import { createKafkaBroker } from './broker.ts'

/** The Kafka of the configuration. It does not connect before it is used. */
export function configuredKafka({ kafka, node }: Config, onEvent: (event: BrokerEvent) => void): Broker {
  const { sslCa: ca, sslCert: cert, sslKey: key } = kafka
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = kafka
  return createKafkaBroker({
    brokers: kafka.brokers,
    clientId: `forewarm.${node.service}`,
    deliveryTimeoutMs: kafka.deliveryTimeoutMs,
    ...(kafka.produceCompression !== 'none' && { compression: kafka.produceCompression }),
    ...(kafka.ssl && {
      ssl: { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) },
    }),
    ...(mechanism !== undefined &&
      username !== undefined &&
      password !== undefined && { sasl: { mechanism, username, password } }),
    maxWaitMs: kafka.fetchWaitMs,
    metadataAgeMs: kafka.metadataAgeMs,
    sessionTimeoutMs: kafka.sessionTimeoutMs,
    heartbeatIntervalMs: kafka.heartbeatMs,
    ...(kafka.groupInstanceId !== undefined && { groupInstanceId: kafka.groupInstanceId }),
    onEvent,
  })
}
