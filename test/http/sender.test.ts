import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createHttpServer, type HttpOptions, type HttpServer } from '../../src/http/server.ts'
import { OPERATIONS } from './told-operations.ts'

const servers: HttpServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function started(options: Partial<HttpOptions> = {}): Promise<number> {
  const server = createHttpServer({ host: '127.0.0.1', port: 0, operations: OPERATIONS, ...options })
  servers.push(server)
  return (await server.start()).port
}

interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers: OutgoingHttpHeaders
}

/** Sends headers that `fetch` would not. */
async function ask(port: number, asked: Asked): Promise<{ readonly status: number; readonly detail: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; detail: string }>()
  const request = httpRequest({ host: '127.0.0.1', port, path: '/livez', agent: false, ...asked }, (response) => {
    text(response).then(
      (body) => resolve({ status: response.statusCode ?? 0, detail: body === '' ? '' : JSON.parse(body).detail }),
      reject,
    )
  })
  request.on('error', reject).end()
  return promise
}

const OPTIMIZE = { method: 'POST', path: '/cache/hierarchy/optimize' }
const REACHABLE = { host: '0.0.0.0', token: 'correct-horse' }
const WITH_TOKEN = { authorization: 'Bearer correct-horse' }

describe('a page whose own name resolves to this machine', () => {
  test.each(['evil.example', 'evil.example:9090', 'localhost.evil.example', '127.0.0.1.evil.example', '10.1.2.3'])(
    'gets nothing on a loopback address, whatever it asks: Host %j is answered with 421',
    async (host) => {
      const port = await started()
      const page = { host, origin: `http://${host}` }
      for (const path of ['/livez', '/metrics', '/health/warming', '/nothing'])
        expect(await ask(port, { path, headers: { host } })).toMatchObject({ status: 421 })
      expect(await ask(port, { ...OPTIMIZE, headers: page })).toEqual({
        status: 421,
        detail: `Host: expected localhost, a loopback address or METRICS_HOST (127.0.0.1), got ${host}`,
      })
    },
  )

  test.each(['x@127.0.0.1', '127.0.0.1#.evil.example', 'evil.example/127.0.0.1', '127.0.0.1 evil.example'])(
    'does not hide its name behind one of ours in Host %j',
    async (host) => {
      expect(await ask(await started(), { headers: { host } })).toMatchObject({ status: 421 })
    },
  )

  test('does not hide its name behind a second Host or in place of the path', async () => {
    const port = await started()
    expect(await ask(port, { path: 'http://evil.example/livez', headers: {} })).toMatchObject({ status: 421 })
    const socket = connect(port, '127.0.0.1')
    socket.end('GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    expect(await text(socket)).toContain('Host: expected one, got several')
  })

  test('gets nothing on a node that other machines can reach, with the token either', async () => {
    const port = await started(REACHABLE)
    for (const path of ['/metrics', '/health/warming'])
      expect(await ask(port, { path, headers: { host: 'evil.example', ...WITH_TOKEN } })).toMatchObject({ status: 421 })
  })
})

describe('a Host that names what a node listens on', () => {
  test.each(['localhost', 'LOCALHOST:1', 'localhost.', '127.0.0.1:9090', '127.9.9.9', '[::1]', '[::1]:9090'])(
    'is answered: %s',
    async (host) => {
      expect(await ask(await started(), { headers: { host } })).toMatchObject({ status: 200 })
    },
  )

  test('may be METRICS_HOST, in any case of letters', async () => {
    const port = await started({ host: 'LocalHost' })
    expect(await ask(port, { headers: { host: 'localhost' } })).toMatchObject({ status: 200 })
  })

  test('may be any address if the node listens on every one, as behind a port that a container forwards', async () => {
    const port = await started(REACHABLE)
    for (const host of ['10.1.2.3:9090', '[fd00::1]:9090'])
      expect(await ask(port, { headers: { host } })).toMatchObject({ status: 200 })
  })

  test('may be left out by a probe of HTTP/1.0, and not by one of HTTP/1.1', async () => {
    const port = await started()
    const answer = async (version: string) => {
      const socket = connect(port, '127.0.0.1')
      socket.end(`GET /livez HTTP/${version}\r\nConnection: close\r\n\r\n`)
      return text(socket)
    }
    expect(await answer('1.0')).toContain('200 OK')
    const refused = await answer('1.1')
    expect(refused).toContain('400 Bad Request')
    expect(refused).toContain('Host: expected a host, got nothing')
  })
})

describe('a page of another origin', () => {
  test.each([
    ['an origin', { origin: 'http://evil.example' }],
    ['another port of this machine', { origin: 'http://localhost:1' }],
    ['no origin that it wants to say', { origin: 'null' }],
    ['no origin but what the browser says of it', { 'sec-fetch-site': 'cross-site' }],
    ['no origin but that it is of this site', { 'sec-fetch-site': 'same-site' }],
  ])('may not change anything, with %s', async (_, headers) => {
    const port = await started()
    const host = `localhost:${port}`
    expect(await ask(port, { ...OPTIMIZE, headers: { host, ...headers } })).toEqual({
      status: 403,
      detail: 'A page of another origin may not do this',
    })
    const patterns = { method: 'PUT', path: '/cache/predictor/patterns', headers: { host, ...headers } }
    expect(await ask(port, patterns)).toMatchObject({ status: 403 })
  })

  test('may not read either, while one of the node itself may do both', async () => {
    const port = await started()
    const host = `localhost:${port}`
    const askFrom = (origin: string, asked: Omit<Asked, 'headers'>) =>
      ask(port, { ...asked, headers: { host, origin } })
    expect(await askFrom('http://evil.example', { path: '/metrics' })).toMatchObject({ status: 403 })
    expect(await askFrom(`http://${host}`, { path: '/livez' })).toMatchObject({ status: 200 })
    expect(await askFrom(`http://${host}`, OPTIMIZE)).toMatchObject({ status: 200 })
  })

  test('may be followed from by a link', async () => {
    expect(await ask(await started(), { headers: { 'sec-fetch-site': 'cross-site' } })).toMatchObject({ status: 200 })
  })
})
