import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a registry answers; `nothing`: it takes the request and says no word. */
export type Reply = { readonly status: number; readonly body: string } | 'nothing'

/** A server on a loopback port that answers as a registry might, also wrongly. */
export interface LoopbackRegistry {
  readonly url: string
  /** The paths that were asked for, in order, and the headers of the last request. */
  readonly asked: readonly string[]
  readonly headers: IncomingHttpHeaders
  answer(reply: (path: string) => Reply): void
  close(): Promise<void>
}

/** Answers with the schemas by id, 404 as Confluent's registry does for others. */
export function schemasById(schemas: Readonly<Record<number, object>>): (path: string) => Reply {
  return (path) => {
    const schema = schemas[Number(path.split('/').at(-1))]
    return schema === undefined
      ? { status: 404, body: JSON.stringify({ error_code: 40403, message: 'Schema not found' }) }
      : { status: 200, body: JSON.stringify({ schema: JSON.stringify(schema) }) }
  }
}

export async function loopbackRegistry(first: (path: string) => Reply): Promise<LoopbackRegistry> {
  let reply = first
  let headers: IncomingHttpHeaders = {}
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    headers = request.headers
    const said = reply(request.url ?? '')
    if (said !== 'nothing') response.writeHead(said.status, { 'content-type': 'text/plain' }).end(said.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get headers() {
      return headers
    },
    // Who still waits for a word hears that there will be none.
    answer: (next) => {
      reply = next
      server.closeAllConnections()
    },
    close: async () => {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]()
    },
  }
}
