import kafkajs from 'kafkajs'
import { allotPorts } from '../../deploy/stack/ports.ts'
import { startStack } from '../../deploy/stack/stack.ts'
import { until } from './until.ts'

const { ALLOW } = kafkajs.AclPermissionTypes
const OPERATIONS = kafkajs.AclOperationTypes
const RESOURCES = kafkajs.AclResourceTypes

/** An operation on a topic, a group or the cluster, as the documentation lists them. */
export interface Right {
  readonly operation: 'READ' | 'WRITE' | 'CREATE' | 'ALTER' | 'DESCRIBE' | 'DESCRIBE_CONFIGS'
  readonly on: 'TOPIC' | 'GROUP'
  readonly name: string
}

/** A broker that refuses what a user was not allowed. */
export interface GuardedKafka {
  /** For those who log in. */
  readonly brokers: readonly string[]
  /** The one who may do all: does not log in. */
  readonly open: readonly string[]
  /** A user who may do this and nothing else. */
  allow(rights: readonly Right[]): Promise<{ readonly username: string; readonly password: string }>
  stop(): Promise<void>
}

const MOST_USERS = 200
const PASSWORD = 'secret'

export async function startGuardedKafka(): Promise<GuardedKafka> {
  const [port = 0] = await allotPorts(['any'])
  const users = Array.from({ length: MOST_USERS }, (_, at) => `user_u${at}="${PASSWORD}"`)
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required ${users.join(' ')};`
  const stack = await startStack({
    redis: false,
    settings: (node) => ({
      listeners: `PLAINTEXT://127.0.0.1:${node.port},USERS://127.0.0.1:${port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port},USERS://127.0.0.1:${port}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,USERS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'listener.name.users.sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.users.plain.sasl.jaas.config': login,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    }),
  })
  const admin = new kafkajs.Kafka({ brokers: [...stack.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  let made = 0
  return {
    brokers: [`127.0.0.1:${port}`],
    open: stack.brokers,
    allow: async (rights) => {
      const username = `u${made++}`
      const acl = rights.map(({ operation, on, name }) => ({
        resourceType: RESOURCES[on],
        resourceName: name,
        resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
        principal: `User:${username}`,
        host: '*',
        operation: OPERATIONS[operation],
        permissionType: ALLOW,
      }))
      if (acl.length > 0) await admin.createAcls({ acl })
      await until('the broker knows the rights', async () => (await rightsOf(admin, username)) === acl.length)
      return { username, password: PASSWORD }
    },
    stop: async () => {
      await admin.disconnect()
      await stack.stop()
    },
  }
}

async function rightsOf(admin: kafkajs.Admin, username: string): Promise<number> {
  const { resources } = await admin.describeAcls({
    resourceType: RESOURCES.ANY,
    resourcePatternType: kafkajs.ResourcePatternTypes.ANY,
    principal: `User:${username}`,
    operation: OPERATIONS.ANY,
    permissionType: kafkajs.AclPermissionTypes.ANY,
  })
  return resources.reduce((count, { acls }) => count + acls.length, 0)
}
