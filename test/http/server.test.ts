import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { Check, Operations } from '../../src/http/operations.ts'
import { createHttpServer, type HttpOptions, type HttpServer } from '../../src/http/server.ts'
import { HEALTH, OPERATIONS } from './told-operations.ts'

const TOKEN = 'correct-horse'
const servers: HttpServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

function created(options: Partial<HttpOptions> = {}): HttpServer {
  const server = createHttpServer({ host: '127.0.0.1', port: 0, operations: OPERATIONS, ...options })
  servers.push(server)
  return server
}

async function startedAt(options: Partial<HttpOptions> = {}): Promise<string> {
  const { port } = await created(options).start()
  return `http://127.0.0.1:${port}`
}

/** A server that other machines could reach; the test calls it from this one. */
function reachable(options: Partial<HttpOptions> = {}): Promise<string> {
  return startedAt({ host: '0.0.0.0', token: TOKEN, ...options })
}

function operations(checks: readonly Check[]): Operations {
  return { ...OPERATIONS, live: () => checks, ready: () => checks, warming: () => ({ ...HEALTH, checks }) }
}

const DEGRADED: readonly Check[] = [
  { name: 'assigned', status: 'ok' },
  { name: 'redis', status: 'degraded', reason: 'gone since 12:00' },
]

const FAILED: readonly Check[] = [...DEGRADED, { name: 'broker', status: 'failed', reason: 'unreachable' }]

describe('GET /metrics', () => {
  test('answers with the exposition and its own content type', async () => {
    const response = await fetch(`${await startedAt()}/metrics`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toBe('# nothing\n')
  })

  test('passes the Accept header on', async () => {
    const metrics = async (accept: string | undefined) => ({ body: accept ?? '', contentType: 'text/plain' })
    const url = await startedAt({ operations: { ...OPERATIONS, metrics } })
    const response = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
    expect(await response.text()).toBe('application/openmetrics-text')
  })

  test('answers 404 and says why while metrics are off', async () => {
    const response = await fetch(`${await startedAt({ metricsEnabled: false })}/metrics`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      status: 404,
      detail: 'Metrics are off: WARMING_METRICS_ENABLED is false',
    })
  })

  test('answers 500 without the reason if it fails, and the node gets the reason', async () => {
    const errors: unknown[] = []
    const metrics = () => Promise.reject(new Error('the inner reason'))
    const url = await startedAt({ operations: { ...OPERATIONS, metrics }, onError: (error) => errors.push(error) })
    const response = await fetch(`${url}/metrics`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('inner')
    expect(errors).toEqual([new Error('the inner reason')])
  })
})

describe('GET /livez and /readyz', () => {
  test('answer 200 with each check by name', async () => {
    const url = await startedAt()
    const response = await fetch(`${url}/readyz`)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: 'ok', checks: { assigned: { status: 'ok' } } })
    expect(await (await fetch(`${url}/livez`)).json()).toEqual({ status: 'ok', checks: { loop: { status: 'ok' } } })
  })

  test('answer 200 and degraded while Redis is away', async () => {
    const response = await fetch(`${await startedAt({ operations: operations(DEGRADED) })}/readyz`)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      status: 'degraded',
      checks: { assigned: { status: 'ok' }, redis: { status: 'degraded', reason: 'gone since 12:00' } },
    })
  })

  test.each(['/livez', '/readyz'])('%s answers 503 as soon as one check fails', async (path) => {
    const response = await fetch((await startedAt({ operations: operations(FAILED) })) + path)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ status: 'failed', checks: { broker: { status: 'failed' } } })
  })
})

describe('GET /health/warming', () => {
  test('shows tracker, warmer, benefit, freshness and checks', async () => {
    const response = await fetch(`${await startedAt()}/health/warming`)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      status: 'healthy',
      tracker: HEALTH.tracker,
      warmer: HEALTH.warmer,
      benefit: {
        hit_rate_improvement: HEALTH.benefit.hitRateImprovement,
        ...{ coverage: 0.5, accuracy: 0.9 },
        control: { updates: 40, reads: 80, hit_ratio: 0.8 },
        warmed: { updates: 400, reads: 800, hit_ratio: 0.92 },
      },
      freshness: {
        followed: { pairs: 3, reads: 60, largest_behind_ms: 12 },
        foreign: { pairs: 2, reads: 40, largest_behind_ms: null, invalidations: 7, rereads: 6, losses: 1 },
      },
      checks: { consumer: { status: 'ok' } },
    })
  })

  test('answers 200 while degraded and 503 while unhealthy', async () => {
    const degraded = await fetch(`${await startedAt({ operations: operations(DEGRADED) })}/health/warming`)
    expect([degraded.status, await degraded.json()]).toEqual([200, expect.objectContaining({ status: 'degraded' })])
    const failed = await fetch(`${await startedAt({ operations: operations(FAILED) })}/health/warming`)
    expect([failed.status, await failed.json()]).toEqual([503, expect.objectContaining({ status: 'unhealthy' })])
  })
})

describe('a request without a handler', () => {
  test('is answered with 404 and a problem document if nothing is at its path', async () => {
    const url = await startedAt()
    for (const path of ['/', '/metric', '/constructor', '/metrics/']) {
      const response = await fetch(url + path)
      expect(response.status).toBe(404)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await response.json()).toEqual({
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        detail: `There is nothing at ${path}`,
        request_id: response.headers.get('x-request-id'),
      })
    }
  })

  test('is answered with 405 and the methods that the path takes', async () => {
    const response = await fetch(`${await startedAt()}/readyz`, { method: 'POST', body: 'x' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
    expect(await response.json()).toMatchObject({ title: 'Method Not Allowed', status: 405 })
  })

  test('is answered without a body if it is a HEAD', async () => {
    const response = await fetch(`${await startedAt()}/readyz?verbose`, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })
})

describe('access', () => {
  test('is free to everybody on a loopback address', async () => {
    const url = await startedAt({ token: TOKEN, metricsAuth: true })
    expect((await fetch(`${url}/health/warming`)).status).toBe(200)
    expect((await fetch(`${url}/metrics`)).status).toBe(200)
  })

  test('on another address needs a token, without which the server does not start', async () => {
    await expect(created({ host: '0.0.0.0' }).start()).rejects.toMatchObject({
      code: 'port-unusable',
      message: expect.stringContaining('FOREWARM_TOKEN'),
    })
    await expect(created({ host: '::' }).start()).rejects.toMatchObject({
      code: 'port-unusable',
      message: expect.stringContaining('FOREWARM_TOKEN'),
    })
  })

  test('on another address needs the token, except for probes and scrapers', async () => {
    const url = await reachable()
    const status = async (path: string, authorization?: string) =>
      (await fetch(url + path, authorization === undefined ? {} : { headers: { authorization } })).status
    expect(await Promise.all(['/livez', '/readyz', '/metrics'].map((path) => status(path)))).toEqual([200, 200, 200])
    expect(await status('/health/warming')).toBe(401)
    expect(await status('/health/warming', `Bearer ${TOKEN}`)).toBe(200)
    expect(await status('/health/warming', `bearer ${TOKEN}`)).toBe(200)
    for (const wrong of ['Bearer', 'Bearer wrong', `Basic ${TOKEN}`, TOKEN, `Bearer ${TOKEN}x`]) {
      expect(await status('/health/warming', wrong)).toBe(401)
    }
  })

  test('without the token does not reveal which paths exist', async () => {
    const response = await fetch(`${await reachable()}/nothing`)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(await response.json()).toMatchObject({ title: 'Unauthorized', status: 401 })
  })

  test('to /metrics needs the token with METRICS_AUTH', async () => {
    const url = await reachable({ metricsAuth: true })
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    expect((await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200)
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })
})

describe('the HTTP server', () => {
  test('says what is wrong when the port is taken', async () => {
    const { port } = await created().start()
    await expect(created({ port }).start()).rejects.toMatchObject({
      code: 'port-unusable',
      message: expect.stringMatching(/METRICS_PORT.*127\.0\.0\.1:\d+, where something else listens/),
    })
  })

  test('says what is wrong when the address is not one of this machine', async () => {
    const elsewhere = created({ host: '203.0.113.1', token: TOKEN }).start()
    await expect(elsewhere).rejects.toMatchObject({
      code: 'port-unusable',
      message: expect.stringContaining('an address of this machine'),
    })
  })

  test('starts once and closes once, however often it is asked', async () => {
    const server = created()
    expect(await server.start()).toEqual(await server.start())
    await Promise.all([server.close(), server.close()])
    await server.close()
    await expect(server.start()).rejects.toMatchObject({ code: 'closed' })
  })

  test('closes before it was started and while it starts', async () => {
    await created().close()
    const server = created()
    const starting = server.start()
    await server.close()
    const { port } = await starting
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow()
  })

  test('closes while requests hang, connections idle and a caller has sent half a request', async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
    const metrics = () => {
      ask()
      return new Promise<never>(() => {})
    }
    const server = created({ operations: { ...OPERATIONS, metrics } })
    const { port } = await server.start()
    const hanging = fetch(`http://127.0.0.1:${port}/metrics`)
    const outcome = expect(hanging).rejects.toThrow()
    const half = connect(port, '127.0.0.1')
    const halfClosed = new Promise<void>((resolve) => half.on('error', () => {}).on('close', () => resolve()))
    half.write('GET /livez HTTP/1.1\r\nHost: a\r\n')
    await asked
    await server.close()
    await Promise.all([outcome, halfClosed])
  })

  test('refuses a request line that names no path', async () => {
    const { port } = await created().start()
    const status = await new Promise((resolve, reject) => {
      httpRequest({ host: '127.0.0.1', port, path: 'http://[broken/metrics' }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(400)
  })
})
