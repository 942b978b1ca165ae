import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from '@jest/globals'
import { closeAll, connected, started } from './callers.ts'
import { OPERATIONS } from './told-operations.ts'

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

afterEach(closeAll)

interface Told {
  readonly header: string | null
  readonly inBody: unknown
}

async function ask(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Told> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
  const body = (await response.json()) as { readonly request_id?: unknown }
  return { header: response.headers.get('x-request-id'), inBody: body.request_id }
}

describe('the id of a request', () => {
  test.each(['b7ad6b7169203331', 'urn:uuid:6e8bc430-9c3a-11d9', 'a', 'x'.repeat(128), 'Root=1-67891233'])(
    'is the one that the caller gave, in the answer and in a problem: %s',
    async (id) => {
      const port = await started()
      expect(await ask(port, '/readyz', { 'x-request-id': id })).toEqual({ header: id, inBody: undefined })
      expect(await ask(port, '/nothing', { 'x-request-id': id })).toEqual({ header: id, inBody: id })
    },
  )

  test.each(['', 'x'.repeat(129), 'two words', '{"level":"error"}', 'é', 'a,b'])(
    'is a new one if the caller gave none that is sane: %j',
    async (id) => {
      const { header, inBody } = await ask(await started(), '/nothing', { 'x-request-id': id })
      expect([header, inBody]).toEqual([expect.stringMatching(UUID), header])
    },
  )

  test('is another one for each request', async () => {
    const port = await started()
    const ids = await Promise.all(Array.from({ length: 20 }, () => ask(port, '/readyz')))
    expect(new Set(ids.map(({ header }) => header)).size).toBe(20)
  })

  test('stands in what is refused before it was read', async () => {
    for (const head of [
      'GET /livez HTTP/1.1\r\n\r\n',
      'NONSENSE\r\n\r\n',
      `GET /${'x'.repeat(9_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const socket = await connected(await started())
      socket.write(head)
      const answer = await text(socket)
      const [, header] = /^x-request-id: (\S+)\r$/m.exec(answer) ?? []
      const [, inBody] = /"request_id":"([^"]*)"/.exec(answer) ?? []
      expect([header, inBody]).toEqual([expect.stringMatching(UUID), header])
    }
  })

  test('is told with the error of a request that failed', async () => {
    const errors: unknown[] = []
    const hierarchy = () => {
      throw new Error('broken')
    }
    const port = await started({
      operations: { ...OPERATIONS, hierarchy },
      onError: (error, requestId) => errors.push([error, requestId]),
    })
    const told = await ask(port, '/cache/hierarchy/stats', { 'x-request-id': 'mine' })
    expect(told).toEqual({ header: 'mine', inBody: 'mine' })
    expect(errors).toEqual([[new Error('broken'), 'mine']])
  })
})
