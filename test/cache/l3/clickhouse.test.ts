import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from '@jest/globals'
import { ClickHouseL3 } from '../../../src/cache/l3/clickhouse.ts'
import { literal } from '../../../src/cache/l3/price-table.ts'
import type { SqlEngine } from '../../../src/cache/l3/sql-engine.ts'
import { createHttpEngine } from '../../../src/cache/l3/sql-http.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { virtualClock } from '../../../src/clock.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { ManualTimer, settled } from '../../harness/manual-timer.ts'

const closers: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function level(engine: () => Promise<SqlEngine>, { createsTable = false } = {}) {
  const table = new PairTable({ maxPairs: 100 })
  const pairId = table.register('ethereum', 'a')
  const clock = virtualClock(1_780_000_000_000)
  const timer = new ManualTimer(clock)
  const metrics = createMetrics()
  const told: string[] = []
  const l3 = new ClickHouseL3({
    ...{ engine, table, clock, metrics, timer: timer.start, random: () => 0.5 },
    ttlMs: 1_000,
    createsTable,
    onAway: (reason) => told.push(reason),
    onBack: () => told.push('back'),
  })
  closers.push(() => l3.close())
  return { l3, pairId, timer, told, metrics }
}

/** A server that answers every statement as the test says. */
async function overHttp(answer: (response: ServerResponse) => void, timeoutMs = 5_000) {
  const server: Server = createServer((request, response) => request.resume().on('end', () => answer(response)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const stage = level(async () => createHttpEngine({ url: `http://127.0.0.1:${port}`, timeoutMs }))
  await stage.l3.start()
  return stage
}

/** Sends a byte again and again, and never ends. */
function trickle(response: ServerResponse): void {
  response.writeHead(200).write('{"data":[')
  const every = setInterval(() => response.write(' '), 20)
  response.on('close', () => clearInterval(every))
}

describe('a ClickHouse that', () => {
  test.each<readonly [what: string, answer: (response: ServerResponse) => void, reason: RegExp]>([
    [
      'answers with an error',
      (to) => to.writeHead(500).end('Code: 60. DB::Exception: Table does not exist'),
      /does not exist/,
    ],
    ['answers with what is no JSON', (to) => to.end('<html>'), /JSON|token/i],
    ['answers with JSON of another kind', (to) => to.end('[1, 2]'), /./],
    ['hangs up in the middle', (to) => to.destroy(), /hang up|reset/i],
  ])('%s is away, and says why', async (_, answer, reason) => {
    const { l3, pairId, told } = await overHttp(answer)
    expect(await l3.load([pairId])).toEqual({ status: 'unavailable', reason: expect.stringMatching(reason) })
    expect(told).toHaveLength(1)
  })

  test('never answers is given up after its time-out', async () => {
    const { l3, pairId } = await overHttp(() => undefined, 50)
    expect(await l3.load([pairId])).toMatchObject({ status: 'unavailable', reason: expect.stringMatching(/time/i) })
  })

  test.each<readonly [how: string, answer: (response: ServerResponse) => void]>([
    ['stops in the middle of its answer', (to) => to.writeHead(200).write('{"data":[')],
    ['sends its answer byte by byte', trickle],
  ])('%s is given up at its time-out', async (_, answer) => {
    const { l3, pairId } = await overHttp(answer, 200)
    expect((await l3.load([pairId])).status).toBe('unavailable')
  })

  test('is not there is unavailable, and its level starts all the same', async () => {
    const { l3, pairId } = level(async () => createHttpEngine({ url: 'http://127.0.0.1:9', timeoutMs: 1_000 }))
    await l3.start()
    expect((await l3.load([pairId])).status).toBe('unavailable')
  })
})

describe('the ClickHouse level', () => {
  function scripted() {
    const asked: { readonly sql: string; succeed(): void; fail(): void }[] = []
    const rows = (sql: string) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly (readonly unknown[])[]>()
      asked.push({ sql, succeed: () => resolve([]), fail: () => reject(new Error('away\nand more')) })
      return promise
    }
    const engine: SqlEngine = { rows, run: async () => {}, insert: async () => {}, close: async () => {} }
    return { asked, ...level(async () => engine) }
  }

  test('asks nothing more of an engine that failed five times until it answers again', async () => {
    const { asked, l3, pairId, timer, told } = scripted()
    await l3.start()
    for (let i = 0; i < 5; i++) {
      const load = l3.load([pairId])
      await settled()
      asked.at(-1)?.fail()
      expect(await load).toEqual({ status: 'unavailable', reason: 'away' })
    }
    expect((await l3.load([pairId])).status).toBe('unavailable')
    expect(asked).toHaveLength(5)
    await timer.advance(100)
    expect(asked.at(-1)?.sql).toBe('SELECT 1')
    asked.at(-1)?.succeed()
    await settled()
    const load = l3.load([pairId])
    await settled()
    asked.at(-1)?.succeed()
    expect([(await load).status, told]).toEqual(['loaded', ['away', 'back']])
  })

  test('asks two statements at a time, and the others wait for their turn', async () => {
    const { asked, l3, pairId } = scripted()
    await l3.start()
    const loads = [1, 2, 3].map(() => l3.load([pairId]))
    await settled()
    expect(asked).toHaveLength(2)
    asked[0]?.succeed()
    await settled()
    expect(asked).toHaveLength(3)
    for (const { succeed } of asked) succeed()
    expect((await Promise.all(loads)).every(({ status }) => status === 'loaded')).toBe(true)
  })

  test('answers the loads that wait for their turn, without asking, when the engine has failed five times', async () => {
    const { asked, l3, pairId } = scripted()
    await l3.start()
    const loads = Array.from({ length: 20 }, () => l3.load([pairId]))
    for (let i = 0; i < 20; i++) {
      await settled()
      asked[i]?.fail()
    }
    expect((await Promise.all(loads)).map(({ status }) => status)).toEqual(Array(20).fill('unavailable'))
    // At the fifth failure, one more statement is in flight.
    expect(asked.length).toBeLessThanOrEqual(6)
  })

  test('lets no more than a hundred statements wait for their turn', async () => {
    const { asked, l3, pairId } = scripted()
    await l3.start()
    const loads = Array.from({ length: 103 }, () => l3.load([pairId]))
    expect(await loads.at(-1)).toEqual({ status: 'unavailable', reason: 'too many wait for ClickHouse' })
    for (let i = 0; i < 102; i++) {
      await settled()
      asked[i]?.succeed()
    }
    expect((await Promise.all(loads.slice(0, -1))).every(({ status }) => status === 'loaded')).toBe(true)
  })

  test('asks nothing more when it is closed, and answers the loads that wait', async () => {
    const { asked, l3, pairId } = scripted()
    await l3.start()
    const loads = [1, 2, 3].map(() => l3.load([pairId]))
    await settled()
    const closed = l3.close()
    for (const { fail } of asked) fail()
    await closed
    expect((await Promise.all(loads)).map(({ status }) => status)).toEqual(Array(3).fill('unavailable'))
    expect(await l3.load([pairId])).toEqual({ status: 'unavailable', reason: 'closed' })
  })
})

describe('the price table', () => {
  async function made(refusal: string): Promise<readonly string[]> {
    const statements: string[] = []
    const run = async (sql: string) => {
      statements.push(sql)
      if (statements.length === 1) throw new Error(refusal)
    }
    const engine: SqlEngine = { run, rows: async () => [], insert: async () => {}, close: async () => {} }
    const { l3 } = level(async () => engine, { createsTable: true })
    await l3.start()
    await settled()
    return statements.map((sql) => (/ TTL /.test(sql) ? 'with TTL' : 'without TTL'))
  }

  test('has no TTL if the server does not know the word', async () => {
    const refusal = 'Code: 62, e.displayText() = DB::Exception: Syntax error: failed at position 372: TTL toDateTime'
    expect(await made(refusal)).toEqual(['with TTL', 'without TTL'])
  })

  test('is made before the first insert if it could not be made at the start', async () => {
    const done: string[] = []
    const run = async () => {
      done.push('table')
      if (done.length === 1) throw new Error('connect ECONNREFUSED')
    }
    const insert = async () => {
      done.push('insert')
    }
    const { l3 } = level(async () => ({ run, insert, rows: async () => [], close: async () => {} }), {
      createsTable: true,
    })
    await l3.start()
    await settled()
    await l3.insert('prices', [{}])
    await l3.insert('prices', [{}])
    expect(done).toEqual(['table', 'table', 'insert', 'insert'])
  })

  test('is not made without a TTL when the server was only away for a moment', async () => {
    expect(await made('connect ECONNREFUSED')).toEqual(['with TTL'])
  })
})

test.each([
  ["a'b", "'a\\'b'"],
  ['a\\', "'a\\\\'"],
  ["\\'", "'\\\\\\''"],
  ['nul\0', "'nul\\0'"],
])('the SQL literal of %j ends where the text ends', (text, sql) => {
  expect(literal(text)).toBe(sql)
})
