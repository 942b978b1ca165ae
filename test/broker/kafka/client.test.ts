import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, expect, test } from '@jest/globals'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import { createSockets } from '../../../src/broker/kafka/socket.ts'
import { SELF_SIGNED } from '../../harness/self-signed.ts'
import { until } from '../../harness/until.ts'

const servers: Server[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))))
})

test('a client tries to connect five times, also under NODE_ENV=test', async () => {
  const attempts = async (nodeEnv: string) => {
    let connections = 0
    const port = await listen(
      createServer((socket) => {
        connections += 1
        socket.destroy()
      }),
    )
    await connectInProcess(port, nodeEnv)
    return connections
  }
  const [inTest, inProduction] = await Promise.all([attempts('test'), attempts('production')])
  expect(inTest).toBe(inProduction)
  expect(inTest).toBe(5)
})

test('a connect where nobody listens rejects with a retriable unreachable', async () => {
  const broker = createKafkaBroker({ brokers: ['127.0.0.1:1'], clientId: 'test' })
  const unreachable = { name: 'BrokerError', code: 'unreachable', retriable: true }
  const consumer = broker.consumer({
    mode: 'group',
    groupId: 'g',
    topics: ['t'],
    start: { at: 'latest' },
    onBatch: async (batch) => batch.count,
  })
  const attempts = [broker.producer().connect(), broker.admin().connect(), consumer.start()]
  await Promise.all(attempts.map((attempt) => expect(attempt).rejects.toMatchObject(unreachable)))
  expect(consumer.health().state).toBe('stopped')
  await broker.close()
})

test('a small request does not wait for the acknowledgement of the one before it', async () => {
  const { socket, sockets } = await connectTo(createServer())
  expect(noDelayOf(socket)).toBe(true)
  sockets.destroyAll()
  await until('the socket is closed', () => sockets.count === 0)
})

test('a small request through TLS does not wait for an acknowledgement either', async () => {
  const { socket, sockets } = await connectTo(createTlsServer(SELF_SIGNED), { ca: SELF_SIGNED.cert })
  expect(noDelayOf(socket)).toBe(true)
  sockets.destroyAll()
  await until('the socket is closed', () => sockets.count === 0)
})

test('destroyed sockets fail their requests, and their client connects no more', async () => {
  const { socket, sockets, port } = await connectTo(createServer())
  const failed = once(socket, 'error')
  sockets.destroyAll()
  expect(String(await failed)).toContain('this client was closed')
  const late = sockets.factory({ host: '127.0.0.1', port, ssl: undefined as never, onConnect: () => undefined })
  expect(String(await once(late, 'error'))).toContain('this client was closed')
})

async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function connectTo(server: Server, ssl?: object) {
  server.on(ssl === undefined ? 'connection' : 'secureConnection', (peer: Socket) => {
    peer.on('error', () => undefined)
    peer.resume()
  })
  const port = await listen(server)
  const sockets = createSockets()
  let connected = false
  const socket = sockets.factory({
    host: 'localhost',
    port,
    ssl: ssl as never,
    onConnect: () => {
      connected = true
    },
  })
  socket.on('error', () => undefined)
  await until('the socket is connected', () => connected)
  return { socket, sockets, port }
}

/** Node keeps the requested value in a private property. The socket option itself cannot be read back. */
function noDelayOf(socket: Socket): unknown {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'kSetNoDelay')
  return symbol === undefined ? undefined : Reflect.get(socket, symbol)
}

/** Connects in another process, because KafkaJS reads NODE_ENV only when it is loaded. */
async function connectInProcess(port: number, nodeEnv: string): Promise<void> {
  const module = join(import.meta.dirname, '../../../src/broker/kafka/client.ts')
  const script = `
    const { createKafkaClient } = await import(${JSON.stringify(module)})
    const admin = createKafkaClient({ brokers: ['127.0.0.1:${port}'], clientId: 'test' }).kafka.admin({ retry: {} })
    await admin.connect().catch(() => undefined)
    await admin.disconnect()
  `
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, NODE_ENV: nodeEnv },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await once(child, 'exit')
}
