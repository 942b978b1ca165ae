import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { conformance } from '../../broker/conformance/conformance.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'

conformance('Kafka', async () => ({
  broker: createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('conformance') }),
}))
