import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { Operations } from '../../src/http/operations.ts'
import { until } from '../harness/until.ts'
import { closeAll, connected, pipelined, probe, started, statuses } from './callers.ts'
import { OPERATIONS, OPTIMIZED, PATTERNS } from './told-operations.ts'

afterEach(closeAll)

/** Counts what a caller has made the node do. */
function counting(more: Partial<Operations> = {}): { readonly operations: Operations; done: number } {
  const counted = {
    done: 0,
    operations: {
      ...OPERATIONS,
      ready: () => {
        counted.done++
        return OPERATIONS.ready()
      },
      ...more,
    },
  }
  return counted
}

describe('a caller that pipelines requests', () => {
  test('has one of them begun at a time, however many it has sent', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const metrics = async () => {
      await gate
      return OPERATIONS.metrics(undefined)
    }
    const counted = counting({ metrics })
    const port = await started({ operations: counted.operations })
    const socket = await connected(port)
    socket.end(`${pipelined('/metrics', 1)}${pipelined('/readyz', 500)}`)
    for (let i = 0; i < 20; i++) expect(await probe(port)).toBe(200)
    expect(counted.done).toBe(0)
    open()
    expect(statuses(await text(socket))).toEqual(Array.from({ length: 501 }, () => 200))
    expect(counted.done).toBe(500)
  })

  test('with bodies has no more than the next one begun', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    let begun = 0
    const metrics = async () => {
      begun++
      await gate
      return OPERATIONS.metrics(undefined)
    }
    const ready = () => {
      begun++
      return OPERATIONS.ready()
    }
    const port = await started({ operations: { ...OPERATIONS, metrics, ready } })
    const socket = await connected(port)
    const withBody = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nX`
    socket.end(withBody('/metrics') + withBody('/readyz').repeat(50))
    for (let i = 0; i < 20; i++) expect(await probe(port)).toBe(200)
    expect(begun).toBeLessThanOrEqual(2)
    open()
    expect(statuses(await text(socket))).toHaveLength(51)
  })

  test('waits in line with fifty others, and /livez does not wait for them', async () => {
    const counted = counting()
    const port = await started({ operations: counted.operations })
    const flood = await Promise.all(Array.from({ length: 50 }, () => connected(port)))
    // About 80 kB each, most of which one chunk brings.
    for (const socket of flood) socket.resume().write(pipelined('/readyz', 2_000))
    await until('the flood is on', () => counted.done > 100)
    const before = counted.done
    expect(await probe(port)).toBe(200)
    expect(counted.done - before).toBeLessThan(25_000)
  })

  test('has its connection closed after so many requests', async () => {
    const port = await started({ limits: { requestsPerConnection: 3 } })
    const socket = await connected(port)
    socket.write(pipelined('/livez', 10))
    const received = await text(socket)
    expect(statuses(received)).toEqual([200, 200, 200])
    expect(received).toMatch(/connection: close/i)
  })

  test('and takes no answer has a bounded number of answers made, and kept in memory', async () => {
    let made = 0
    const exportPatterns = () => {
      made++
      return { ...PATTERNS, pairs: [{ chain: 'fx', pair: 'x'.repeat(8 * 1024 * 1024), reads: [] }] }
    }
    const predictor = { ...OPERATIONS.predictor, exportPatterns }
    const port = await started({ operations: { ...OPERATIONS, predictor } })
    for (let i = 0; i < 40; i++) (await connected(port)).pause().write(pipelined('/cache/predictor/patterns', 500))
    await until('some are made', () => made >= 4)
    for (let i = 0; i < 20; i++) expect(await probe(port)).toBe(200)
    expect(made).toBe(4)
  })

  test('and is slow to take the answer is closed', async () => {
    const big = { body: '#'.repeat(32 * 1024 * 1024), contentType: 'text/plain' }
    const operations = { ...OPERATIONS, metrics: async () => big }
    const port = await started({ operations, limits: { answerMs: 1 } })
    const socket = await connected(port)
    socket.resume().write(pipelined('/metrics', 100))
    await once(socket, 'close')
    expect(socket.bytesRead).toBeLessThan(100 * big.body.length)
    expect(await probe(port)).toBe(200)
  })
})

describe('a body', () => {
  test('is not parsed before its request is admitted among those that take long', async () => {
    let made = 0
    const exportPatterns = () => {
      made++
      return { ...PATTERNS, pairs: [{ chain: 'fx', pair: 'x'.repeat(8 * 1024 * 1024), reads: [] }] }
    }
    const port = await started({
      operations: { ...OPERATIONS, predictor: { ...OPERATIONS.predictor, exportPatterns } },
    })
    const takers = await Promise.all(Array.from({ length: 4 }, () => connected(port)))
    for (const socket of takers) socket.pause().write(pipelined('/cache/predictor/patterns', 1))
    await until('all places are taken', () => made === 4)
    const socket = await connected(port)
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.end('PUT /cache/predictor/patterns HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n{')
    for (let i = 0; i < 20; i++) expect(await probe(port)).toBe(200)
    expect(received).toBe('')
    for (const taker of takers) taker.destroy()
    await until('it is answered', () => received.includes('The body is not JSON'))
  })
})

describe('an answer that is under way', () => {
  const POST = 'POST /cache/hierarchy/optimize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n'
  const PUT = 'PUT /cache/predictor/patterns HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n'

  test.each([
    ['of the next request, whose end does not come', PUT, 408, 50],
    ['that is no HTTP', 'GARBAGE\r\n\r\n', 400, 10_000],
  ])('is given whole before the refusal %s', async (_, next, status, requestMs) => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    let asked = 0
    const optimize = async () => {
      asked++
      await gate
      return OPTIMIZED
    }
    const port = await started({ operations: { ...OPERATIONS, optimize }, limits: { requestMs } })
    const socket = await connected(port)
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.write(`${POST}X${next}`)
    await until('it is asked for', () => asked > 0)
    const late = await connected(port)
    late.write('GET /livez HT')
    if (status === 408) expect(await text(late)).toContain('408')
    else for (let i = 0; i < 3; i++) expect(await probe(port)).toBe(200)
    expect(received).toBe('')
    open()
    await once(socket, 'end')
    expect(statuses(received)).toEqual([200, status])
    expect(received).toContain('"reason":"two were missed"')
  })
})

describe('connections', () => {
  test('that are silent do not keep a probe out', async () => {
    const port = await started({ limits: { connections: 8, connectionsPerAddress: 4 } })
    const [first] = await Promise.all(Array.from({ length: 4 }, () => connected(port)))
    const closed = once(first?.resume() ?? process, 'close')
    expect(await probe(port)).toBe(200)
    await closed
  })

  test('of the address that has most give way to those of another', async () => {
    const port = await started({ limits: { connections: 4, connectionsPerAddress: 4 } })
    const single = (await connected(port, '127.0.0.2')).resume()
    const [first] = [await connected(port), await connected(port), await connected(port)]
    const closed = once(first.resume(), 'close')
    const late = await connected(port, '127.0.0.3')
    await closed
    for (const socket of [single, late]) {
      socket.write(pipelined('/livez', 1))
      expect(`${(await once(socket, 'data'))[0]}`).toContain('200 OK')
    }
  })

  test('that say nothing for too long are closed', async () => {
    const socket = await connected(await started({ limits: { idleMs: 1 } }))
    expect(await text(socket)).toBe('')
  })

  test('that do not end a request are told, and closed', async () => {
    const port = await started({ limits: { requestMs: 1 } })
    for (const begun of [
      'GET /livez HT',
      'PUT /cache/predictor/patterns HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9',
    ]) {
      const socket = await connected(port)
      socket.write(begun)
      expect(await text(socket)).toContain('"status":408,"detail":"The request took too long"')
    }
  })
})

describe('a request', () => {
  test.each([
    ['with a head of more than 8 KiB', `GET /livez HTTP/1.1\r\nx: ${'x'.repeat(9_000)}\r\n\r\n`, 431],
    ['that is no HTTP', 'hello\r\n\r\n', 400],
    ['that cannot be routed', 'GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
  ])('%s is answered with a problem document', async (_, sent, status) => {
    const socket = await connected(await started())
    socket.write(sent)
    const received = await text(socket)
    expect(statuses(received)).toEqual([status])
    expect(received.toLowerCase()).toContain('content-type: application/problem+json')
    expect(JSON.parse(received.slice(received.indexOf('\r\n\r\n')))).toMatchObject({ type: 'about:blank', status })
  })

  test('beyond the rate is answered with 429 and when to come again; a probe is not', async () => {
    const port = await started({ limits: { requestsPerSecond: 0 } })
    const response = await fetch(`http://127.0.0.1:${port}/health/warming`)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await response.json()).toMatchObject({ title: 'Too Many Requests', status: 429 })
    expect(await probe(port)).toBe(200)
  })

  test('whose answer is not made in time is answered with 503', async () => {
    const operations = { ...OPERATIONS, metrics: () => new Promise<never>(() => {}) }
    const port = await started({ operations, limits: { handlerMs: 10 } })
    expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(503)
  })

  test('that is sent a byte at a time is answered', async () => {
    const socket = (await connected(await started())).setNoDelay()
    for (const byte of pipelined('/livez', 2)) await new Promise<unknown>((sent) => socket.write(byte, sent))
    socket.end()
    expect(statuses(await text(socket))).toEqual([200, 200])
  })

  test('with a body is followed by the next one on its connection', async () => {
    const socket = await connected(await started())
    const body = `${JSON.stringify(PATTERNS)}\r\n\r\n`
    const head = `PUT /cache/predictor/patterns HTTP/1.1\r\nHost: localhost\r\n`
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
    socket.end(`${head}Transfer-Encoding: chunked\r\n\r\n${chunked}${pipelined('/livez', 1)}`)
    const received = await text(socket)
    expect(statuses(received)).toEqual([200, 200, 200])
    expect(received.match(/"refused":2/g)).toHaveLength(2)
  })
})
