import { createKafkaBroker } from '../../src/broker/kafka.ts'
import { conformance } from '../broker/conformance.ts'
import { kafkaBrokers, uniqueName } from '../harness/kafka.ts'

conformance('KafkaJS', async () => ({
  broker: createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('conformance') }),
}))
