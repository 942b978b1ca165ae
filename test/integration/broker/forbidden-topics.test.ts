import { expect } from '@jest/globals'
import kafkajs from 'kafkajs'
import { startStack } from '../../../deploy/stack/stack.ts'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { newTopic, type Reader, records, setStage, startReader } from '../../broker/conformance/stage.ts'
import { testWithJava } from '../../harness/java.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

testWithJava(
  'a topic that must not be read any more is named, others go on, and it is read on when it may',
  async () => {
    const settings = {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': true,
    }
    const stack = await startStack({ brokers: 1, redis: false, settings })
    const own = await setStage(createKafkaBroker({ brokers: stack.brokers, clientId: uniqueName('forbidden') }))
    const rights = new kafkajs.Kafka({ brokers: [...stack.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
    try {
      await rights.connect()
      const [open, closed] = [await newTopic(own), await newTopic(own)]
      const options = { topics: [open, closed], start: { at: 'committed', otherwise: 'latest' } } as const
      const readers = [await startReader(own, options), await startReader(own, { ...options, mode: 'broadcast' })]
      const send = async (topic: string, value: string) => {
        await own.producer.sendBatch(topic, records(0, [value]))
        if (topic === open)
          await until(`${value} is handled`, () => readers.every((each) => each.values().includes(value)))
      }
      for (const operation of [READ, ALL]) {
        await rights.createAcls({ acl: [aclOf(closed, ALL, ALLOW), aclOf(closed, operation, DENY)] })
        await until('it is told', () => readers.every((reader) => lastChangeOf(reader) === 'forbidden'))
        await send(open, `while ${operation} is denied`)
        await rights.deleteAcls({ filters: [aclOf(closed, operation, DENY)] })
        await until('that, too', () => readers.every((reader) => lastChangeOf(reader) === 'back'))
        await send(closed, `when ${operation} is allowed`)
      }
      await until('all is handled', () => readers.every(({ seen }) => seen.length === 4))
      for (const { consumer } of readers) expect(consumer.health().state).toBe('running')
    } finally {
      await Promise.all([rights.disconnect(), own.broker.close()])
      await stack.stop()
    }
  },
)

function lastChangeOf({ events }: Reader): string | undefined {
  return events.findLast((event) => event.type === 'topic')?.change
}

const { READ, ALL } = kafkajs.AclOperationTypes
const { ALLOW, DENY } = kafkajs.AclPermissionTypes

/** For everybody who does not log in. */
function aclOf(topic: string, operation: kafkajs.AclOperationTypes, permissionType: kafkajs.AclPermissionTypes) {
  return {
    resourceType: kafkajs.AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
    principal: 'User:ANONYMOUS',
    host: '*',
    ...{ operation, permissionType },
  }
}
