import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from '@jest/globals'
import { allotPorts } from '../../deploy/stack/ports.ts'
import { until } from '../harness/until.ts'
import { type Ended, forewarm, startForewarm } from './forewarm-process.ts'

/** On a busy machine the defaults would run out while it closes, which it reports on standard error. */
const PATIENT = { env: { DRAIN_TIMEOUT_MS: '60000', DETECTOR_TIMEOUT_MS: '60000' } }

/** Sends the signal once the first figures are printed. */
async function devEndedBy(signal: NodeJS.Signals): Promise<Ended> {
  const { child, ended } = startForewarm(['dev', '--port', '0'], PATIENT)
  if (child.stdout !== null) await Promise.race([once(child.stdout, 'data'), ended])
  child.kill(signal)
  return ended
}

test('dev runs the whole pipeline in one process, and reports the hit ratios of both nodes', async () => {
  const { child, ended } = startForewarm(['dev', '--port', '0', '--json'], PATIENT)
  let said = ''
  child.stdout?.on('data', (chunk) => {
    said += String(chunk)
  })
  const shown = ['updatesPerSecond', 'warmsPerSecond', 'hitRatioWarmed', 'hitRatioUnwarmed'] as const
  const shownBy = () => {
    const last = JSON.parse(said.split('\n').at(-2) ?? '{}')
    return shown.every((name) => last[name] > 0) && last
  }
  const figures = await until('all figures are there', shownBy).finally(() => child.kill('SIGTERM'))
  expect([figures.updatesNotSent, (await ended).stderr]).toEqual([0, ''])
})

test('dev --duration ends by itself with code 0', async () => {
  const { code, stdout, stderr } = await forewarm(['dev', '--duration', '1', '--port', '0', '--json'], PATIENT)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toHaveProperty('updatesPerSecond')
})

test('dev serves warm requests over their topic, and they warm pairs', async () => {
  const [port] = await allotPorts(['any'])
  const { child, ended } = startForewarm(['dev', '--port', String(port)], PATIENT)
  const count = async (name: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined)
    const lines = ((await response?.text()) ?? '').split('\n').filter((line) => line.startsWith(`arbitrage_${name}{`))
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }
  const serves = async () => (await count('warming_operations_total')) > 0
  const warms = async () => (await count('warming_pairs_warmed_total')) > 0
  await until('requests are served, and warm', async () => (await serves()) && warms()).finally(() => child.kill())
  expect((await ended).code).toBe(0)
})

test('Ctrl-C ends dev with code 130 and nothing on standard error', async () => {
  const { code, stderr } = await devEndedBy('SIGINT')
  expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
})

test('SIGTERM ends dev with code 0', async () => {
  const { code, stderr } = await devEndedBy('SIGTERM')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('dev names a port that is taken, in one sentence', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { code, stderr } = await forewarm(['dev', '--port', String(port)])
  other.close()
  expect(code).toBe(1)
  expect(stderr).toMatch(new RegExp(`^error: .*${port}.*\\n$`))
})
