import { afterAll, beforeAll, expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import { type Stack, startStack } from '../../../deploy/stack/stack.ts'
import { deadLetterTopic } from '../../../schemas/topics.ts'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { detector } from '../../../src/detect/detector.ts'
import { hasJava } from '../../harness/java.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'
import { onStage, type Stage, updateOf } from '../../node/stage.ts'

const { READ, DESCRIBE_CONFIGS, ALTER, CREATE, ALL } = kafkajs.AclOperationTypes
const { ALLOW, DENY } = kafkajs.AclPermissionTypes
const { TOPIC, GROUP, CLUSTER } = kafkajs.AclResourceTypes
const testWithRights = hasJava ? test : test.skip

let kafka: Stack
let rights: kafkajs.Admin

beforeAll(async () => {
  if (!hasJava) return
  const settings = {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': true,
  }
  kafka = await startStack({ brokers: 1, redis: false, settings })
  rights = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await rights.connect()
})

afterAll(async () => {
  await rights?.disconnect()
  await kafka?.stop()
})

interface Right {
  readonly type: kafkajs.AclResourceTypes
  readonly name: string
  readonly operation: kafkajs.AclOperationTypes
}

/** Everybody may do all with what was not mentioned, and all but this with what was. */
async function without(denied: readonly Right[], body: () => Promise<void>): Promise<void> {
  const acls = denied.flatMap(({ type, name, operation }) =>
    [ALLOW, DENY].map((permissionType) => ({
      resourceType: type,
      resourceName: name,
      resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
      principal: 'User:ANONYMOUS',
      host: '*',
      operation: permissionType === ALLOW ? ALL : operation,
      permissionType,
    })),
  )
  await rights.createAcls({ acl: acls })
  try {
    await body()
  } finally {
    await rights.deleteAcls({ filters: acls })
  }
}

function onOwnKafka(body: (stage: Stage) => Promise<void>): Promise<void> {
  return onStage({ broker: createKafkaBroker({ brokers: kafka.brokers, clientId: uniqueName('rights') }) }, body)
}

testWithRights(
  'a node starts without the rights to see settings of topics and to give its dead-letter topic partitions',
  async () => {
    await onOwnKafka(async (stage) => {
      const letters = deadLetterTopic(stage.topic)
      await stage.admin.createTopics([{ topic: letters, partitions: 1 }])
      await stage.admin.growTopic(stage.topic, 2)
      const denied = [
        { type: TOPIC, name: stage.topic, operation: DESCRIBE_CONFIGS },
        { type: TOPIC, name: letters, operation: ALTER },
        { type: CLUSTER, name: 'kafka-cluster', operation: CREATE },
      ]
      await stage.admin.createTopics(Object.values(stage.topics).map((topic) => ({ topic, partitions: 1 })))
      await without(denied, async () => {
        const node = await stage.startNode()
        await stage.produce(updateOf('P'))
        await until('it is handled', () => node.stats().updates === 1)
        await stage.produceRecords({ partition: 1, value: 'no price' })
        expect(await stage.deadLetters(1)).toMatchObject([{ topic: letters, partition: 0 }])
      })
    })
  },
)

testWithRights('a node that may not be in its group says which right is missing', async () => {
  await onOwnKafka(async (stage) => {
    await without([{ type: GROUP, name: `forewarm.${stage.service}`, operation: READ }], async () => {
      const message = expect.stringContaining('the right to READ this group is missing')
      await expect(stage.startNode()).rejects.toMatchObject({ code: 'topics-unusable', message })
    })
  })
})

testWithRights(
  'a node whose topics are missing, and that may not create them, says which right is missing',
  async () => {
    await onOwnKafka(async (stage) => {
      const denied = [deadLetterTopic(stage.topic), ...Object.values(stage.topics)].map((name) => ({
        ...{ type: TOPIC, name },
        operation: CREATE,
      }))
      await without([...denied, { type: CLUSTER, name: 'kafka-cluster', operation: CREATE }], async () => {
        const message = expect.stringMatching(/creating topic .*CREATE to make it/)
        await expect(stage.startNode()).rejects.toMatchObject({ code: 'topics-unusable', message })
      })
    })
  },
)

testWithRights(
  'a node that may not make a missing output topic names the detector and the right that is missing',
  async () => {
    await onOwnKafka(async (stage) => {
      const output = uniqueName('found')
      const denied = [
        { type: TOPIC, name: output, operation: CREATE },
        { type: CLUSTER, name: 'kafka-cluster', operation: CREATE },
      ]
      await without(denied, async () => {
        const message = expect.stringMatching(
          new RegExp(`^detector found: its output topic ${output} cannot be used or made: .*CREATE to make it`),
        )
        const detectors = [detector('found', { output }, () => 1)]
        await expect(stage.startNode({ detectors })).rejects.toMatchObject({ code: 'topics-unusable', message })
      })
    })
  },
)
