import { createKafkaBroker, type KafkaBrokerOptions } from '../../src/broker/kafka/broker.ts'
import { kafkaBrokers, redisUrl, uniqueName } from '../harness/kafka.ts'
import { onStage, type Stage } from './stage.ts'

export interface KafkaStageOptions {
  readonly partitions?: number
  readonly topicConfig?: Readonly<Record<string, string>>
  /** Default: the Redis of the test run. */
  readonly redisUrl?: string
  readonly broker?: Partial<KafkaBrokerOptions>
}

/** A stage on the Kafka and the Redis of the test run. */
export function onKafka(options: KafkaStageOptions, body: (stage: Stage) => Promise<void>): Promise<void> {
  const { broker, ...rest } = options
  const kafka = createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('node-test'), ...broker })
  return onStage({ broker: kafka, redisUrl: redisUrl(), ...rest }, body)
}

/** A chain of the partition that no other test or earlier run has used, as Redis may still hold its values. */
export function newChain(stage: Stage, partition = 0): string {
  for (;;) {
    const chain = uniqueName('chain')
    if (stage.partitionOf(chain) === partition) return chain
  }
}
