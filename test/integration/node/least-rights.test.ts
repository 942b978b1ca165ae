import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createNode } from '../../../node/node.ts'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { withAdmin } from '../../../src/broker/with-admin.ts'
import type { Config, Role } from '../../../src/config/settings.ts'
import { forewarm } from '../../bin/forewarm-process.ts'
import { type GuardedKafka, type Right, startGuardedKafka } from '../../harness/guarded-kafka.ts'
import { hasJava } from '../../harness/java.ts'
import { until } from '../../harness/until.ts'
import { updateOf } from '../../node/stage.ts'

/** Each role and command with the rights that docs/kafka.md lists and no others, and with one of them less. */
let kafka: GuardedKafka
let folder: string
const testEach = hasJava ? test.each : test.skip.each

beforeAll(async () => {
  if (!hasJava) return
  folder = await mkdtemp(join(tmpdir(), 'forewarm-rights-'))
  await writeFile(join(folder, 'prices.ndjson'), `${JSON.stringify(updateOf('P'))}\n`)
  kafka = await startGuardedKafka()
  const broker = createKafkaBroker({ brokers: kafka.open, clientId: 'rights' })
  const topics = ['prices', 'prices.dlq', 'warm-requests', 'warm-results', 'correlations', 'forewarm-control', 'copy']
  await withAdmin(broker, (admin) => admin.createTopics(topics.map((topic) => ({ topic, partitions: 1 }))))
  await broker.close()
  const filled = await call(['produce', 'FILE', '--topic', 'prices'], [write('prices')])
  expect(filled).toMatchObject({ code: 0, stderr: '' })
})
afterAll(async () => {
  await kafka?.stop()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

const right = (operation: Right['operation'], on: Right['on']) => (name: string) => ({ operation, on, name })
const [read, write, describe] = [right('READ', 'TOPIC'), right('WRITE', 'TOPIC'), right('DESCRIBE', 'TOPIC')]
const [create, member] = [right('CREATE', 'TOPIC'), right('READ', 'GROUP')]

let calls = 0

/** Calls the command as a user who has these rights alone. NEW in them and in the arguments is a new topic. */
async function call(args: readonly string[], rights: readonly Right[]) {
  const fresh = `new-${calls++}`
  const named = rights.map((each) => ({ ...each, name: each.name.replace('NEW', fresh) }))
  const { username, password } = await kafka.allow(named)
  const files: Readonly<Record<string, string>> = {
    OUT: join(folder, `${fresh}.ndjson`),
    FILE: join(folder, 'prices.ndjson'),
    NEW: fresh,
  }
  const env = {
    KAFKA_BROKERS: kafka.brokers.join(','),
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
    PRICE_TOPICS: 'prices',
  }
  const { code, stderr } = await forewarm(
    args.map((arg) => files[arg] ?? arg),
    { env },
  )
  return { code, stderr: stderr.replaceAll(fresh, 'NEW') }
}

const without = (rights: readonly Right[], at: number) => rights.filter((_, each) => each !== at)
/** An error that names the right. */
const naming = ({ operation, name }: Right) => expect.stringMatching(new RegExp(`${name}.*\\b${operation}\\b`, 's'))

testEach<[string, readonly Right[]]>([
  ['tail prices --no-follow', [read('prices')]],
  ['record prices -o OUT', [read('prices')]],
  ['replay prices --stdout', [read('prices')]],
  ['replay prices --in-process', [read('prices')]],
  ['replay prices --to copy', [read('prices'), write('copy')]],
  ['produce FILE --topic prices', [write('prices')]],
  ['warm P --chain c', [write('warm-requests')]],
  ['rollout status', [read('forewarm-control')]],
  ['rollout kill', [read('forewarm-control'), write('forewarm-control')]],
  [
    'topics create NEW --partitions 1',
    [
      ...['NEW', 'NEW.dlq'].map(create),
      ...['NEW', 'NEW.dlq', 'warm-requests', 'warm-results', 'correlations', 'forewarm-control'].map(describe),
    ],
  ],
])('forewarm %s needs its listed rights and no others, and names the one that is missing', async (line, rights) => {
  const args = line.split(' ')
  expect(await call(args, rights)).toMatchObject({ code: 0 })
  for (const [at, missing] of rights.entries())
    expect(await call(args, without(rights, at))).toEqual({ code: 1, stderr: naming(missing) })
})

testEach([
  ['tail prices'],
  ['tail prices --no-follow --from-beginning'],
  ['record prices -o OUT'],
  ['replay prices --stdout'],
])('forewarm %s with the right to DESCRIBE alone ends at once, and names READ', async (line) => {
  const ended = await call(line.split(' '), [describe('prices')])
  expect(ended).toEqual({ code: 1, stderr: naming(read('prices')) })
})

testEach([['warm P --chain c --wait --timeout-ms 1']])('forewarm %s needs to READ results, too', async (line) => {
  const [requests, results] = [write('warm-requests'), read('warm-results')]
  const args = line.split(' ')
  expect((await call(args, [requests, results])).stderr).toContain('no node has warmed')
  expect((await call(args, [requests])).stderr).toEqual(naming(results))
})

async function nodeWith(roles: readonly Role[], rights: readonly Right[]) {
  const { username: saslUsername, password: saslPassword } = await kafka.allow(rights)
  const login = { saslMechanism: 'plain', saslUsername, saslPassword } satisfies Partial<Config['kafka']>
  return createNode({
    env: {},
    l2: 'memory',
    logLevel: 'silent',
    start: 'earliest',
    config: {
      kafka: { brokers: kafka.brokers, ...login, priceTopics: ['prices'] },
      node: { service: 'rights', roles, watchdogMs: 0 },
      http: { port: 0 },
    },
  })
}

testEach<[string, readonly Right[]]>([
  ['correlate,detect', [read('prices'), member('forewarm.rights'), write('prices.dlq'), write('warm-requests')]],
  ['correlate', [read('prices'), member('forewarm.rights.correlate'), write('prices.dlq'), write('warm-requests')]],
  ['detect', [read('prices'), member('forewarm.rights.detect'), write('prices.dlq')]],
  ['warm', [describe('prices'), read('warm-requests'), write('warm-results')]],
  ['api', [describe('prices')]],
])(
  'a node of the roles %s needs its listed rights and no others, and names the one that is missing',
  async (list, rights) => {
    const roles = list.split(',') as Role[]
    const node = await nodeWith(roles, rights)
    await node.start()
    if (rights.some(({ on }) => on === 'GROUP')) await until('it has read', () => node.stats().updates > 0)
    await node.close()
    for (const [at, missing] of rights.entries()) {
      const refused = await nodeWith(roles, without(rights, at))
      await expect(refused.start()).rejects.toMatchObject({ message: naming(missing) })
      await refused.close()
    }
  },
)

testEach<[string, readonly Right[], object]>([
  ['READ and WRITE', [read('correlations'), write('correlations')], { status: 'ok' }],
  ['no right', [], { status: 'degraded', reason: naming(describe('correlations')) }],
  ['DESCRIBE alone', [describe('correlations')], { status: 'degraded', reason: naming(read('correlations')) }],
])('a node with %s on correlations runs, and says whether it starts cold', async (_, rights, restored) => {
  const needed = [read('prices'), member('forewarm.rights'), write('prices.dlq'), write('warm-requests')]
  const node = await nodeWith(['correlate', 'detect', 'api'], [...needed, ...rights])
  try {
    await node.start()
    const ready = await fetch(`http://127.0.0.1:${node.httpPort}/readyz`)
    expect(await ready.json()).toMatchObject({ checks: { restored } })
  } finally {
    await node.close()
  }
})
