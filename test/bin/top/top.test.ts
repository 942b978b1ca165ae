import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createHttpServer } from '../../../src/http/server.ts'
import { collected, prometheusText } from '../../../src/telemetry/metric-producer.ts'
import { createMetrics } from '../../../src/telemetry/metrics.ts'
import { until } from '../../harness/until.ts'
import { OPERATIONS } from '../../http/told-operations.ts'
import { BIN, forewarm } from '../forewarm-process.ts'

const metrics = createMetrics()
const server = createHttpServer({
  ...{ host: '127.0.0.1', port: 0 },
  operations: {
    ...OPERATIONS,
    metrics: async () => {
      metrics.counter('price_updates_total', { chain: 'base' }).add(10)
      return {
        body: prometheusText(collected(metrics, { prefix: 'arbitrage_', version: '1' })),
        contentType: 'text/plain',
      }
    },
  },
})
let url: string

beforeAll(async () => {
  url = `http://127.0.0.1:${(await server.start()).port}`
})
afterAll(() => server.close())

describe('forewarm top', () => {
  test('prints as many screens as are asked for, as text and as JSON', async () => {
    const { code, stdout } = await forewarm(['top', '--url', url, '--interval', '0.1', '--count', '2'], {})
    expect(code).toBe(0)
    expect(stdout.match(/forewarm top/g)).toHaveLength(2)
    expect(stdout).toMatch(/updates +\d/)
    const json = await forewarm(['top', '--url', url, '--interval', '0.1', '--count', '1', '--json'], {})
    expect(JSON.parse(json.stdout)).toMatchObject({ updatesPerSecond: expect.any(Number), hitRatio: null })
  })

  test('says that no node answers, and what an address looks like', async () => {
    expect(await forewarm(['top', '--url', 'http://127.0.0.1:1'], {})).toMatchObject({
      ...{ code: 1, stderr: 'error: no node answers at http://127.0.0.1:1\n' },
    })
    expect(await forewarm(['top', '--url', 'here'], {})).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('got here'),
    })
  })

  const tmux = spawnSync('tmux', ['-V']).status === 0
  if (!tmux) console.warn('forewarm top is not tried on a terminal: there is no tmux')
  const onTerminal = tmux ? test : test.skip

  onTerminal('draws in place on a terminal of 80 columns, until Ctrl-C', async () => {
    const name = `forewarm-top-${process.pid}`
    const call = (...args: readonly string[]) => spawnSync('tmux', ['-L', name, ...args], { encoding: 'utf8' }).stdout
    const command = `${process.execPath} --disable-warning=ExperimentalWarning ${BIN} top --url ${url} --interval 0.2; echo ended $?; cat`
    call('new-session', '-d', '-s', name, '-x', '80', '-y', '24', command)
    try {
      const screen = () => call('capture-pane', '-p', '-t', name)
      await until('a screen is drawn', () => /updates +\d/.test(screen()))
      const first = /\d\d:\d\d:\d\d/.exec(screen())?.[0]
      await until('it is drawn again', () => /\d\d:\d\d:\d\d/.exec(screen())?.[0] !== first)
      expect(screen().match(/forewarm top/g)).toHaveLength(1)
      call('send-keys', '-t', name, 'C-c')
      await until('it has ended', () => screen().includes('ended 130'))
    } finally {
      call('kill-server')
    }
  })
})
