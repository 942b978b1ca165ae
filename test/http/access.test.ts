import { afterEach, describe, expect, test } from '@jest/globals'
import { routesOf } from '../../src/http/routes.ts'
import type { HttpOptions } from '../../src/http/server.ts'
import { closeAll, started } from './callers.ts'
import { OPERATIONS } from './told-operations.ts'

const TOKEN = 'correct-horse'
const READ_TOKEN = 'battery-staple'
const OPERATING = Object.entries(routesOf(OPERATIONS, true)).flatMap(([path, methods]) =>
  Object.keys(methods)
    .filter((method) => method !== 'GET')
    .map((method) => [method, path] as const),
)

afterEach(closeAll)

interface Caller {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks a server of this machine, with a body that no route takes. */
async function caller(options: Partial<HttpOptions>) {
  const port = await started({ token: TOKEN, readToken: READ_TOKEN, ...options })
  return (method: string, path: string, { token, headers = {} }: Caller = {}) => {
    const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { ...headers, ...authorization } })
  }
}

describe('a token that may only read', () => {
  test('reads everything', async () => {
    const ask = await caller({ host: '0.0.0.0', metricsAuth: true })
    for (const path of ['/metrics', '/health/warming', '/cache/hierarchy/stats', '/cache/predictor/patterns'])
      for (const method of ['GET', 'HEAD'])
        expect([(await ask(method, path)).status, (await ask(method, path, { token: READ_TOKEN })).status]).toEqual([
          401, 200,
        ])
  })

  test.each(OPERATING)('gets 403 for %s %s, and is told which token may', async (method, path) => {
    const ask = await caller({ host: '0.0.0.0' })
    const refused = await ask(method, path, { token: READ_TOKEN })
    expect(refused.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope"')
    expect([refused.status, await refused.json()]).toEqual([
      403,
      expect.objectContaining({
        detail: `The token of FOREWARM_READ_TOKEN may only read: ${method} needs that of FOREWARM_TOKEN`,
      }),
    ])
    expect((await ask(method, path, { token: TOKEN })).status).not.toBe(403)
  })

  test('does not open a node that has no token to operate, or another one', async () => {
    const ask = await caller({ host: '0.0.0.0', readToken: undefined })
    expect((await ask('GET', '/health/warming', { token: READ_TOKEN })).status).toBe(401)
    expect((await ask('GET', '/health/warming', { token: '' })).status).toBe(401)
  })
})

describe('a caller that comes through a proxy on the same machine', () => {
  const PROXIED = { 'x-forwarded-for': '203.0.113.9' }

  test.each(['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'])(
    'needs a token, as its address is elsewhere: %s',
    async (name) => {
      const ask = await caller({})
      const headers = { [name]: '203.0.113.9' }
      const asked = async (method: string, path: string, token?: string) =>
        (await ask(method, path, token === undefined ? { headers } : { headers, token })).status
      expect(await asked('POST', '/cache/hierarchy/optimize')).toBe(401)
      expect(await asked('GET', '/cache/predictor/patterns')).toBe(401)
      expect(await asked('POST', '/cache/hierarchy/optimize', READ_TOKEN)).toBe(403)
      expect(await asked('GET', '/cache/predictor/patterns', READ_TOKEN)).toBe(200)
      expect(await asked('POST', '/cache/hierarchy/optimize', TOKEN)).toBe(200)
    },
  )

  test('is refused on a node without a token, except for probes and scrapers', async () => {
    const ask = await caller({ token: undefined, readToken: undefined })
    expect((await ask('POST', '/cache/hierarchy/optimize', { headers: PROXIED })).status).toBe(401)
    for (const path of ['/livez', '/readyz', '/metrics'])
      expect((await ask('GET', path, { headers: PROXIED })).status).toBe(200)
  })

  test('may not operate for a page of another origin, whatever token the proxy adds', async () => {
    const ask = await caller({})
    for (const [method, path] of OPERATING) {
      const headers = { ...PROXIED, origin: 'https://evil.example' }
      expect((await ask(method, path, { headers, token: TOKEN })).status).toBe(403)
    }
  })
})
