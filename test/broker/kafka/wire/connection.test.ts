import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createSockets } from '../../../../src/broker/kafka/socket.ts'
import { type ConnectOptions, WireConnection, type WireRequest } from '../../../../src/broker/kafka/wire/connection.ts'
import { errorOfCode, KAFKAJS_VERSION } from '../../../../src/broker/kafka/wire/kafkajs.ts'
import { SELF_SIGNED } from '../../../harness/self-signed.ts'
import { until } from '../../../harness/until.ts'
import { ECHO, framed, ScriptedBroker } from './scripted-broker.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function newBroker(options: { readonly tls?: boolean } = {}) {
  const broker = new ScriptedBroker(options)
  const port = await broker.listen()
  closing.push(() => broker.close())
  return { broker, port }
}

async function opened(port: number, options: Partial<ConnectOptions> = {}): Promise<WireConnection> {
  const sockets = createSockets({ reusesMemory: true })
  const connection = await WireConnection.open({
    ...{ host: 'localhost', port, clientId: 'test', connectTimeoutMs: 5_000, requestTimeoutMs: 5_000 },
    socketFactory: sockets.factory,
    ...options,
  })
  closing.push(() => connection.end())
  return connection
}

/** Asks for the text back. */
function echo(text: string, options: Partial<WireRequest<string>> = {}): WireRequest<string> {
  const bytes = Buffer.from(text)
  return {
    ...{ apiKey: ECHO, apiName: 'Echo', version: 1, isFlexible: false, bytes: 4 + bytes.length },
    encode: (writer) => {
      writer.int32(bytes.length)
      writer.bytes(bytes)
    },
    decode: (reader) => ({ throttleMs: 0, answer: reader.sizedBytes().toString() }),
    ...options,
  }
}

test('the package of KafkaJS whose inside is used is the one that was published as 2.2.4', () => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { version: string; integrity: string }>
  }
  expect(KAFKAJS_VERSION).toBe('2.2.4')
  expect(lock.packages['node_modules/kafkajs']).toMatchObject({
    version: KAFKAJS_VERSION,
    integrity: 'sha512-j/YeapB1vfPT2iOIUn/vxdyKEuhuY2PxMBvf5JWux6iSaukAccrMtXEY/Lb7OvavDhOWME589bpLrEdnVHjfjA==',
  })
})

test('an error of the protocol has its name, its code, and whether to try again', () => {
  expect(errorOfCode(6)).toMatchObject({ type: 'NOT_LEADER_FOR_PARTITION', code: 6, retriable: true })
  expect(errorOfCode(29)).toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED', code: 29, retriable: false })
})

describe.each([
  ['plain', {}, {}],
  ['through TLS', { tls: true }, { ssl: { ca: SELF_SIGNED.cert } }],
  ['with a login', {}, { sasl: { mechanism: 'plain', username: 'user', password: 'secret' } }],
  [
    'through TLS with a login',
    { tls: true },
    { ssl: { ca: SELF_SIGNED.cert }, sasl: { mechanism: 'plain', username: 'user', password: 'secret' } },
  ],
] as const)('a connection %s', (_, brokerOptions, options) => {
  test('learns the broker’s versions, and gets each answer, whatever its size', async () => {
    const { broker, port } = await newBroker(brokerOptions)
    const connection = await opened(port, options)
    expect(connection.versions[ECHO]).toEqual({ minVersion: 0, maxVersion: 1 })
    const texts = ['', 'a', 'b'.repeat(70_000), 'c'.repeat(3_000_000), 'd']
    expect(await Promise.all(texts.map((text) => connection.send(echo(text))))).toEqual(texts)
    const logins = broker.arrived.filter(({ apiKey }) => apiKey === 36)
    expect(logins.map(({ body }) => body.subarray(4).toString())).toEqual('sasl' in options ? ['\0user\0secret'] : [])
  })
})

test('a request of a flexible version has empty tagged fields in its header, and so has its answer', async () => {
  const { broker, port } = await newBroker()
  const connection = await opened(port)
  expect(await connection.send(echo('text', { isFlexible: true }))).toBe('text')
  expect(broker.arrived.at(-1)?.body).toEqual(Buffer.concat([Buffer.from([0, 0, 0, 0, 4]), Buffer.from('text')]))
})

test('a request that is not answered in its time ends the connection, and rejects what waits behind it', async () => {
  const { broker, port } = await newBroker()
  const connection = await opened(port)
  broker.answer = () => undefined
  const waiting = connection.send(echo('behind'))
  await Promise.all([
    expect(connection.send(echo('late', { timeoutMs: 20 }))).rejects.toThrow('Echo was not answered within 20 ms'),
    expect(waiting).rejects.toThrow('Echo was not answered within 20 ms'),
  ])
  expect(connection.isOpen).toBe(false)
  await expect(connection.send(echo('more'))).rejects.toThrow('Echo was not answered within 20 ms')
  await until('the broker has seen the end', () => broker.connections === 0)
})

test.each([
  ['of an impossible size', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), 'an answer of -1 bytes'],
  ['of zero bytes', Buffer.alloc(8), 'an answer of 0 bytes'],
])('an answer %s ends the connection, and nothing is thrown at the process', async (_, bytes, reason) => {
  const { broker, port } = await newBroker()
  const connection = await opened(port)
  broker.answer = () => undefined
  const waiting = connection.send(echo('waits'))
  await until('it has come', () => broker.arrived.some(({ apiKey }) => apiKey === ECHO))
  broker.send(bytes)
  await expect(waiting).rejects.toThrow(reason)
  expect(connection.isOpen).toBe(false)
})

test('an answer that contradicts itself rejects its own request, and the next one is answered', async () => {
  const { broker, port } = await newBroker()
  const connection = await opened(port)
  broker.answer = () => Buffer.from([0, 0, 0, 9])
  await expect(connection.send(echo('bad'))).rejects.toThrow('at byte')
  broker.answer = ({ body }) => body
  expect(await connection.send(echo('good'))).toBe('good')
})

test('an answer to a request that nobody made is ignored', async () => {
  const { broker, port } = await newBroker()
  const connection = await opened(port)
  broker.send(framed(12_345, Buffer.from('for nobody')))
  expect(await connection.send(echo('good'))).toBe('good')
})

test('a new connection has nothing of a broken one, which had half an answer', async () => {
  const { broker, port } = await newBroker()
  const first = await opened(port)
  broker.send(framed(12_345, Buffer.alloc(100)).subarray(0, 50))
  const second = await opened(port)
  first.end()
  expect(await second.send(echo('whole'))).toBe('whole')
})

test('a broker that closes the connection rejects what waits', async () => {
  const { broker, port } = await newBroker()
  const connection = await opened(port)
  broker.answer = () => undefined
  const waiting = connection.send(echo('waits'))
  await until('it has come', () => broker.arrived.some(({ apiKey }) => apiKey === ECHO))
  closing.length = 0
  await Promise.all([expect(waiting).rejects.toThrow('Closed connection'), broker.close()])
  expect(connection.isOpen).toBe(false)
})

test('a login that the broker never answers ends after twice the time to connect', async () => {
  const { broker, port } = await newBroker()
  broker.answersLogins = false
  broker.answer = () => undefined
  await expect(opened(port, { connectTimeoutMs: 20 })).rejects.toMatchObject({
    code: 'unreachable',
    message: `localhost:${port} takes connections and has not answered as a broker within 40 ms`,
  })
})

test('a connection that is retired answers what was sent, and then ends', async () => {
  const { broker, port } = await newBroker()
  const connection = await opened(port)
  const answers = Promise.all([connection.send(echo('first')), connection.send(echo('second'))])
  connection.retire()
  expect(await answers).toEqual(['first', 'second'])
  await until('the broker has seen the end', () => broker.connections === 0)
})

test('a connection that is retired and waits for nothing ends', async () => {
  const { broker, port } = await newBroker()
  const connection = await opened(port)
  connection.retire()
  await until('the broker has seen the end', () => broker.connections === 0)
})
