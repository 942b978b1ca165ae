import { once } from 'node:events'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { connectionTo, type RegistryConnection } from '../../../src/formats/registry/http.ts'
import { SELF_SIGNED } from '../../harness/self-signed.ts'

const opened: { close(): unknown }[] = []

afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close()
})

async function serve(listener: RequestListener, isSecure = false): Promise<string> {
  const server = isSecure ? createHttps(SELF_SIGNED, listener) : createHttp(listener)
  server.listen(0, isSecure ? 'localhost' : '127.0.0.1')
  await once(server, 'listening')
  opened.push({
    close: () => {
      server.closeAllConnections()
      return server[Symbol.asyncDispose]()
    },
  })
  const { port } = server.address() as AddressInfo
  return isSecure ? `https://localhost:${port}` : `http://127.0.0.1:${port}`
}

function connected(...given: Parameters<typeof connectionTo>): RegistryConnection {
  const connection = connectionTo(...given)
  opened.push(connection)
  return connection
}

const echo: RequestListener = ({ url, headers }, response) =>
  response.end(JSON.stringify([url, headers.authorization ?? 'no login']))

describe('a connection to a schema registry', () => {
  it.each<readonly [login: object, sent: string]>([
    [{}, 'no login'],
    [{ username: 'u', password: 'pä:ss' }, `Basic ${Buffer.from('u:pä:ss').toString('base64')}`],
    [{ token: 't' }, 'Bearer t'],
  ])('asks below the path of its URL, with the login %j', async (login, sent) => {
    const url = await serve(echo)
    const answer = await connected({ url: `${url}/apis/ccompat/v7/`, ...login }).get('/schemas/ids/1')
    expect(answer).toEqual({ status: 200, body: JSON.stringify(['/apis/ccompat/v7/schemas/ids/1', sent]) })
  })

  it('trusts the authority that the settings name, and no other that is unknown', async () => {
    const url = await serve(echo, true)
    expect(await connected({ url, sslCa: SELF_SIGNED.cert }).get('/x')).toMatchObject({ status: 200 })
    await expect(connected({ url }).get('/x')).rejects.toThrow(/self-signed/)
  })

  it.each<readonly [what: string, listener: RequestListener]>([
    ['no word', () => undefined],
    ['half an answer', (_, response) => void response.writeHead(200, { 'content-length': 100 }).write('{')],
  ])('gives up after its time when it gets %s', async (_, listener) => {
    const url = await serve(listener)
    await expect(connected({ url }, { answerMs: 50 }).get('/x')).rejects.toThrow('no answer within 50 ms')
  })

  it('rejects where an answer breaks off, and where nobody listens', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{')
      setImmediate(() => response.destroy())
    })
    await expect(connected({ url }).get('/x')).rejects.toThrow()
    await expect(connected({ url: 'http://127.0.0.1:1' }).get('/x')).rejects.toThrow('ECONNREFUSED')
  })

  it('takes the offer of another protocol for an answer, and does not wait for more', async () => {
    const url = await serve(({ socket }) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    )
    expect(await connected({ url }).get('/x')).toEqual({ status: 101, body: '' })
  })

  it('asks again by another connection if the one that was idle is closed as it is used', async () => {
    const ports: (number | undefined)[] = []
    const url = await serve((request, response) => {
      ports.push(request.socket.remotePort)
      if (ports.length === 2) request.socket.destroy()
      else response.end('{}')
    })
    const connection = connected({ url })
    for (let i = 0; i < 2; i++) expect(await connection.get('/x')).toEqual({ status: 200, body: '{}' })
    expect(ports[1]).toBe(ports[0])
    expect(ports[2]).not.toBe(ports[0])
    expect(ports.length).toBe(3)
  })

  it('ends what is under way when it is closed, and may be closed twice', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const url = await serve(() => resolve())
    const connection = connected({ url })
    const answer = connection.get('/x')
    await asked
    connection.close()
    connection.close()
    await expect(answer).rejects.toThrow()
  })
})
