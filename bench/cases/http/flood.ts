import { get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { Figure } from '../../harness/bench.ts'
import { quantile } from '../../harness/quantile.ts'
import type { Flood } from '../../stages/http-flood.ts'
import { startProcess } from '../../stages/own-process.ts'
import type { Stage } from '../../stages/stage.ts'

const NODE = new URL('../../stages/http-node.ts', import.meta.url)
const FLOOD = new URL('../../stages/http-flood.ts', import.meta.url)
const CONNECTIONS = 50
const PATHS = ['/metrics', '/livez', '/cache/predictor/patterns', '/nothing']
const PAUSE_MS = 5
/** The callers have used up the rate of this address for as long. */
const RATE_WINDOW_MS = 1_000
const MEBIBYTE = 1024 * 1024

/** How long a probe of `/livez` takes, on a connection of its own, while callers pipeline requests as fast as they can. */
export async function* flooded(stage: Stage): AsyncIterable<Figure> {
  const node = startProcess<number>(NODE, {})
  try {
    const port = await node.answer
    const quiet = await probed(port, stage.amount(500, 50))
    yield { kind: 'value', case: 'p99 of /livez, nobody else asks', unit: 'ms', value: quantile(quiet, 0.99) }
    for (const path of PATHS) {
      const flood = startProcess<'on'>(FLOOD, { port, path, connections: CONNECTIONS } satisfies Flood)
      try {
        await flood.answer
        const took = await probed(port, stage.amount(1_000, 50))
        const name = `p99 of /livez, ${CONNECTIONS} connections pipeline ${path}`
        yield { kind: 'value', case: name, unit: 'ms', value: quantile(took, 0.99) }
      } finally {
        await flood.end()
      }
    }
    yield { kind: 'value', case: 'resident memory after it', unit: 'MiB', value: await residentMebibytes(port) }
  } finally {
    await node.end()
  }
}

async function probed(port: number, probes: number): Promise<readonly number[]> {
  const tookMs: number[] = []
  for (let i = 0; i < probes; i++) {
    const startMs = performance.now()
    await probe(port)
    tookMs.push(performance.now() - startMs)
    await pause(PAUSE_MS)
  }
  return tookMs
}

function probe(port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  get({ host: '127.0.0.1', port, path: '/livez', agent: false }, (response) => {
    if (response.statusCode !== 200) reject(new Error(`/livez was answered with ${response.statusCode}`))
    response.resume().once('end', resolve)
  }).once('error', reject)
  return promise
}

async function residentMebibytes(port: number): Promise<number> {
  await pause(RATE_WINDOW_MS)
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^process_resident_memory_bytes(?:\{.*\})? (\S+)/m.exec(text)?.[1]) / MEBIBYTE
}
