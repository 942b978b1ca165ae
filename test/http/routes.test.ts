import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import {
  HIERARCHY,
  OPERATIONS,
  OPTIMIZED,
  PATTERN,
  PATTERNS,
  RECOMMENDED,
  SEEN,
  SEEN_OUTWARD,
} from './told-operations.ts'

const servers: HttpServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function startedAt(): Promise<string> {
  const server = createHttpServer({ host: '127.0.0.1', port: 0, operations: OPERATIONS })
  servers.push(server)
  const { port } = await server.start()
  return `http://127.0.0.1:${port}`
}

describe('/cache/hierarchy', () => {
  test('/stats answers with what the levels count', async () => {
    const response = await fetch(`${await startedAt()}/cache/hierarchy/stats`)
    expect([response.status, await response.json()]).toEqual([200, HIERARCHY])
  })

  test('/optimize answers a POST with what it did', async () => {
    const url = `${await startedAt()}/cache/hierarchy/optimize`
    const { notPromoted, durationMs, ...same } = OPTIMIZED
    const response = await fetch(url, { method: 'POST' })
    expect(await response.json()).toEqual({ ...same, not_promoted: notPromoted, duration_ms: durationMs })
    expect((await fetch(url)).status).toBe(405)
  })

  test('/optimize refuses a page of another origin', async () => {
    const url = `${await startedAt()}/cache/hierarchy/optimize`
    const posted = (origin: string) => fetch(url, { method: 'POST', headers: { origin } }).then(({ status }) => status)
    expect([await posted('http://elsewhere.example'), await posted(new URL(url).origin)]).toEqual([403, 200])
  })
})

describe('/prices/{chain}/{pair}', () => {
  const asked = async (path: string, method = 'GET') => fetch(`${await startedAt()}/prices/${path}`, { method })

  test('answers with the price, its age, its bound, its level and its follower, also for a pair with a slash', async () => {
    const response = await asked(`ethereum/${encodeURIComponent(SEEN.pair)}`)
    expect([response.status, await response.json()]).toEqual([200, SEEN_OUTWARD])
  })

  test('says why there is no price', async () => {
    const response = await asked(`a%2Fb/${'%F0%9F%92%B6'.repeat(60)}`)
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { detail: `No price of a/b ${'💶'.repeat(60)}: no level has it (the pair is foreign)` },
    ])
  })

  test('is neither at a name that is cut in two by a slash, nor at one that is badly encoded', async () => {
    expect([(await asked('ethereum/WETH/USDC')).status, (await asked('ethereum/%F0')).status]).toEqual([404, 400])
  })

  test('takes no POST, and says so', async () => {
    const response = await asked('ethereum/A', 'POST')
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })
})

describe('what was learnt from reads', () => {
  test('is recommended for the hours ahead that the caller names', async () => {
    const url = `${await startedAt()}/cache/warming/recommendations`
    const { pair, ...rest } = RECOMMENDED
    const expected = (hours: number) => [{ ...rest, instrument_id: pair, reason: `within ${hours} h` }]
    expect(await (await fetch(url)).json()).toEqual(expected(1))
    expect(await (await fetch(`${url}?look_ahead_hours=2`)).json()).toEqual(expected(2))
  })

  test.each(['0', '25', '1.5', '0x10', 'x', ''])(
    'is not recommended for look_ahead_hours=%s, which is refused',
    async (hours) => {
      const response = await fetch(`${await startedAt()}/cache/warming/recommendations?look_ahead_hours=${hours}`)
      expect([response.status, ((await response.json()) as { detail: string }).detail]).toEqual([
        400,
        `look_ahead_hours: expected a whole number from 1 to 24, got ${JSON.stringify(hours)}`,
      ])
    },
  )

  test('is counted, and exported as one document', async () => {
    const url = `${await startedAt()}/cache/predictor`
    const stats = {
      ...{ total_accesses: 9, unique_symbols: 2, top_10_symbols: ['A', 'B'] },
      accuracy_by_kind: { popular: 0.75 },
    }
    expect(await (await fetch(`${url}/stats`)).json()).toEqual(stats)
    expect(await (await fetch(`${url}/patterns`)).json()).toEqual(PATTERNS)
  })

  test('is shown as a pattern for each pair', async () => {
    const { pair, chain, confidence } = PATTERN
    expect(await (await fetch(`${await startedAt()}/warming/patterns`)).json()).toEqual([
      { instrument_id: pair, chain, frequency_per_hour: 3.5, peak_hours: [8, 13], confidence },
    ])
  })

  test.each([
    ['what was exported', JSON.stringify(PATTERNS), 200, { refused: 2 }],
    ['no patterns', 'null', 400, { detail: 'expected an object, got null' }],
    ['no JSON', '{"kind":NaN}', 400, { detail: expect.stringContaining('The body is not JSON: Unexpected token') }],
    ['nothing', '', 400, { detail: expect.stringContaining('The body is not JSON') }],
    ['other bytes', Buffer.from('{"kind":"\xe9"}', 'latin1'), 400, { detail: 'The body is not UTF-8' }],
    ['too much', ' '.repeat(128 * 1024 + 1), 413, { detail: 'A body may have at most 131072 bytes' }],
  ])('is imported, or refused with the reason: %s', async (_, body, status, answered) => {
    const response = await fetch(`${await startedAt()}/cache/predictor/patterns`, { method: 'PUT', body })
    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining(answered)])
  })

  test('is not imported from a caller that disconnects, and the server goes on', async () => {
    const errors: unknown[] = []
    const server = createHttpServer({
      ...{ host: '127.0.0.1', port: 0, operations: OPERATIONS },
      onError: (error) => errors.push(error),
    })
    servers.push(server)
    const { port } = await server.start()
    const socket = connect(port, '127.0.0.1')
    socket.end('PUT /cache/predictor/patterns HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"kind"')
    await text(socket)
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
    expect(errors).toEqual([])
  })

  test('is refused with every invalid field', async () => {
    const body = JSON.stringify({ kind: 'others', version: 2, firstHour: '1', lastHour: -2 })
    const response = await fetch(`${await startedAt()}/cache/predictor/patterns`, { method: 'PUT', body })
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    const { detail, errors } = (await response.json()) as { detail: string; errors: { pointer: string }[] }
    expect(Object.fromEntries(errors.map(({ pointer, ...rest }) => [pointer, rest]))).toEqual({
      '#/kind': { detail: 'expected "forewarm-patterns", got "others"' },
      '#/version': { detail: 'expected 1, got 2' },
      '#/firstHour': { detail: 'expected whole hours since 1970, got "1"' },
      '#/lastHour': { detail: 'expected whole hours since 1970, got -2' },
      '#/pairs': { detail: 'expected a list, got nothing' },
    })
    for (const name of ['kind', 'version', 'firstHour', 'lastHour', 'pairs']) expect(detail).toContain(`${name}: `)
  })
})
