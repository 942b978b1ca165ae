import { Writable } from 'node:stream'
import { afterEach, describe, expect, test } from '@jest/globals'
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import { createLog, type Log, type LogOptions } from '../../src/telemetry/log.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import type { Telemetry } from '../../src/telemetry/sdk.ts'
import { startSdk } from '../../src/telemetry/sdk.ts'

let telemetry: Telemetry | undefined

afterEach(async () => {
  await telemetry?.shutdown()
  telemetry = undefined
})

function logged(write: (log: Log) => void, options: Partial<LogOptions> = {}): readonly string[] {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  write(createLog({ service: 'prices', version: '1.2.3', stream, ...options }))
  return lines
}

describe('the log', () => {
  test('is one JSON object a line, with level, time, service and version', () => {
    const lines = logged((log) => {
      log.info({ topic: 'prices.base' }, 'subscribed')
      log.debug('not at this level')
    })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      service: 'prices',
      version: '1.2.3',
      pid: process.pid,
      topic: 'prices.base',
      msg: 'subscribed',
    })
  })

  test('masks secrets wherever they occur, in every form that they are written in', () => {
    const secret = 'pass/word "1"'
    const [line = ''] = logged(
      (log) => {
        const error = new Error(`cannot reach redis://user:${encodeURIComponent(secret)}@host`)
        log.error({ err: error, url: secret, nested: { deep: { secret } } }, `tried ${secret}`)
      },
      { secrets: [secret] },
    )
    expect(JSON.parse(line)).toMatchObject({ url: '[secret]', msg: 'tried [secret]' })
    expect(line).not.toContain('pass/word')
    expect(line).not.toContain('pass%2Fword')
  })

  test.each([
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['a function', function f() {}, 'function f'],
    ['a bigint', 5n, '5'],
    ['an object whose toJSON throws', { toJSON: () => JSON.parse('{') }, { toJSON: 'function toJSON' }],
    ['a date whose toJSON throws', Object.assign(new Date(0), { toJSON: () => JSON.parse('{') }), new Date(0).toJSON()],
  ])('tells a thrown value that JSON has no form of: %s', (_, err, told) => {
    const [line = ''] = logged((log) => log.error({ err }, 'thrown'))
    expect(JSON.parse(line)).toMatchObject({ msg: 'thrown', err: told })
  })

  test('cuts what is too long to be read, and keeps the frames of a stack', () => {
    const secret = 'a-secret-at-the-cut'
    const long = 'x'.repeat(10_000_000)
    const error = Object.assign(new Error(`no answer: ${long}`), { response: { body: Buffer.alloc(1_000_000) } })
    const [line = ''] = logged(
      (log) =>
        log.warn({ err: error, text: 'y'.repeat(3_990) + secret + long, list: long.slice(0, 1e5).split('') }, long),
      { secrets: [secret] },
    )
    expect(line.length).toBeLessThan(20_000)
    expect(line).toContain('log.test.ts')
    expect(line).not.toContain('a-secret')
    expect(JSON.parse(line)).toMatchObject({ err: { type: 'Error', response: { body: '1000000 bytes' } } })
  })

  test('takes whatever was thrown, even an object that cannot be read', () => {
    const unreadable = () => {
      throw new Error('not to be read')
    }
    const thrown = [
      Object.create(null),
      Object.defineProperty(new Error('with a trap'), 'detail', { enumerable: true, get: unreadable }),
      { token: 'abc', inner: Object.defineProperty({}, 'token', { enumerable: true, get: unreadable }) },
      new Proxy({}, { get: unreadable, ownKeys: unreadable }),
      Object.assign(new Error('large'), { offset: 12n }),
      Symbol('sign'),
      undefined,
    ]
    const lines = logged((log) => {
      for (const err of thrown) log.error({ err }, 'a detector threw')
    })
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(thrown.map(() => 'a detector threw'))
  })

  test('masks fields that hold secrets by their name, however short the secret', () => {
    const [line = ''] = logged((log) =>
      log.info({ token: 'abc', kafka: { saslPassword: 'x', sslKey: 'y' } }, 'started'),
    )
    expect(JSON.parse(line)).toMatchObject({
      token: '[secret]',
      kafka: { saslPassword: '[secret]', sslKey: '[secret]' },
    })
  })

  test('does not mask a short secret in the words of a line', () => {
    const [line = ''] = logged((log) => log.info('level headed'), { secrets: ['level', ''] })
    expect(JSON.parse(line)).toMatchObject({ level: 'info', msg: 'level headed' })
  })

  test('names the trace while a span is active', async () => {
    const spanProcessors = [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })]
    const config = { metrics: { enabled: true, prefix: 'arbitrage_' } }
    const options = { config, metrics: createMetrics(), serviceName: 'test', version: '1', spanProcessors }
    telemetry = await startSdk(options)
    const [inside, outside] = logged((log) => {
      telemetry?.tracer.startActiveSpan('warm', (span) => {
        log.info('inside')
        span.end()
      })
      log.info('outside')
    }).map((line) => JSON.parse(line))
    expect(inside.trace_id).toMatch(/^[0-9a-f]{32}$/)
    expect(inside.span_id).toMatch(/^[0-9a-f]{16}$/)
    expect(outside).not.toHaveProperty('trace_id')
  })
})
