import { once } from 'node:events'
import { type RequestOptions, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test } from '@jest/globals'
import { SELF_SIGNED } from '../harness/self-signed.ts'
import { until } from '../harness/until.ts'
import { closeAll, connected, created, pipelined, started, statuses } from './callers.ts'
import { CERTIFICATE, EXPIRED, KEY, NOT_YET_VALID } from './certificates.ts'
import { OPERATIONS, PATTERNS } from './told-operations.ts'

const TLS = { cert: CERTIFICATE, key: KEY }
const TOKEN = 'correct-horse'

afterEach(closeAll)

/** Resolves when the handshake is done. */
async function secured(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: CERTIFICATE })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return socket
}

interface Answer {
  readonly status: number | undefined
  readonly body: string
}

async function ask(port: number, asked: RequestOptions & { readonly body?: string }): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const sent = request(
    { host: '127.0.0.1', port, ca: CERTIFICATE, servername: 'localhost', agent: false, ...asked },
    (response) => {
      text(response).then((body) => resolve({ status: response.statusCode, body }), reject)
    },
  )
  sent.on('error', reject).end(asked.body)
  return promise
}

describe('a server with a certificate', () => {
  test('answers over TLS as it does without, large answers and bodies too', async () => {
    const exported = { ...PATTERNS, pairs: Array.from({ length: 20_000 }, (_, n) => ({ chain: 'c', pair: `P${n}` })) }
    const predictor = { ...OPERATIONS.predictor, exportPatterns: () => exported as never }
    const port = await started({ tls: TLS, operations: { ...OPERATIONS, predictor } })
    expect(await ask(port, { path: '/readyz' })).toMatchObject({ status: 200 })
    const { body } = await ask(port, { path: '/cache/predictor/patterns' })
    expect(JSON.parse(body)).toEqual(exported)
    const put = { path: '/cache/predictor/patterns', method: 'PUT' }
    const padded = `${JSON.stringify(PATTERNS)}${' '.repeat(100_000)}`
    expect(await ask(port, { ...put, body: padded })).toEqual({ status: 200, body: '{"refused":2}\n' })
    expect(await ask(port, { ...put, body: padded.repeat(2) })).toMatchObject({ status: 413 })
  })

  test('closes a connection without TLS, unanswered, and goes on', async () => {
    const port = await started({ tls: TLS })
    const plain = await connected(port)
    plain.write(pipelined('/livez', 1))
    expect(await text(plain)).not.toContain('HTTP/1.1')
    expect(await ask(port, { path: '/livez' })).toMatchObject({ status: 200 })
  })

  test('is asked for by the names of its certificate, and by no other', async () => {
    const port = await started({ tls: TLS, host: '0.0.0.0', token: TOKEN })
    const status = async (host: string) => (await ask(port, { path: '/livez', headers: { host } })).status
    for (const host of ['node.example', 'A.pool.example:9090', '10.9.8.7', 'localhost'])
      expect([host, await status(host)]).toEqual([host, 200])
    for (const host of ['evil.example', 'pool.example', 'node.example.evil.example'])
      expect([host, await status(host)]).toEqual([host, 421])
  })

  test('tells a page of its own origin from others', async () => {
    const port = await started({ tls: TLS })
    const asked = async (origin: string) => {
      const headers = { host: 'node.example', origin }
      return (await ask(port, { path: '/cache/hierarchy/optimize', method: 'POST', headers })).status
    }
    expect([await asked('https://node.example'), await asked('https://evil.example')]).toEqual([200, 403])
  })
})

describe('limits under TLS', () => {
  test('begin one pipelined request at a time', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    let begun = 0
    const metrics = async () => {
      await gate
      return OPERATIONS.metrics(undefined)
    }
    const ready = () => {
      begun++
      return OPERATIONS.ready()
    }
    const port = await started({ tls: TLS, operations: { ...OPERATIONS, metrics, ready } })
    const socket = await secured(port)
    socket.end(`${pipelined('/metrics', 1)}${pipelined('/readyz', 300)}`)
    for (let i = 0; i < 5; i++) expect(await ask(port, { path: '/livez' })).toMatchObject({ status: 200 })
    expect(begun).toBe(0)
    open()
    expect(statuses(await text(socket))).toEqual(Array.from({ length: 301 }, () => 200))
  })

  test('close a connection that says nothing, before its handshake and after it', async () => {
    const port = await started({ tls: TLS, limits: { idleMs: 400 } })
    const silent = await connected(port)
    const idle = await secured(port)
    expect([await text(silent), await text(idle)]).toEqual(['', ''])
  })

  test('tell a request that does not end, and close it', async () => {
    const socket = await secured(await started({ tls: TLS, limits: { requestMs: 1 } }))
    socket.write('GET /livez HT')
    expect(await text(socket)).toContain('"status":408,"detail":"The request took too long"')
  })

  test('count connections that do not finish their handshake', async () => {
    const port = await started({ tls: TLS, limits: { connections: 8, connectionsPerAddress: 4 } })
    const [first] = await Promise.all(Array.from({ length: 4 }, () => connected(port)))
    const closed = once(first?.resume() ?? process, 'close')
    expect(await ask(port, { path: '/livez' })).toMatchObject({ status: 200 })
    await closed
  })

  test('answer everybody when many connect at once', async () => {
    const port = await started({ tls: TLS })
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(port, { path: '/livez' })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })

  test('let a server close while callers are in the midst of all', async () => {
    const server = created({ tls: TLS })
    const { port } = await server.start()
    const [silent, idle] = [await connected(port), await secured(port)]
    const half = await secured(port)
    half.write('GET /livez HT')
    let left = 3
    for (const socket of [silent, idle, half]) socket.resume().once('close', () => left--)
    await server.close()
    await until('all are closed', () => left === 0)
  })
})

describe('a certificate', () => {
  test.each([
    [
      'that expired',
      { cert: EXPIRED, key: KEY },
      /valid now \(METRICS_TLS_CERT\), received one that expired on 2021-01-01/,
    ],
    ['of the future', { cert: NOT_YET_VALID, key: KEY }, /received one that is valid from 2200-01-01/],
    ['with the key of another one', { cert: CERTIFICATE, key: SELF_SIGNED.key }, /\(METRICS_TLS_KEY\).*key/],
  ])('%s stops the start with one sentence', async (_, tls, message) => {
    await expect(created({ tls }).start()).rejects.toMatchObject({
      code: 'port-unusable',
      message: expect.stringMatching(message),
    })
  })
})
