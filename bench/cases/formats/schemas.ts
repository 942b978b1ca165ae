import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Formats, formatRules } from '../../../src/formats/formats.ts'
import { openRegistry } from '../../../src/formats/registry/registry.ts'
import type { Value } from '../../harness/bench.ts'

const IDS = 1_000
/** So many partitions are read at once. */
const PARTITIONS = 16
const ANSWER_MS = 50
const SCHEMA = JSON.stringify({ schema: JSON.stringify({ type: 'record', name: 'Q', fields: [] }) })
const MAPPING = { type: 'avro', schema: 'registry', pair: 'p', chain: 'c', price: 'x', eventTimeMs: 't' }

/** Partitions whose records name a thousand schemas, in another order each, and a registry that is slow. */
export async function* schemaFigures(): AsyncIterable<Value> {
  const registry = await slowRegistry()
  const schemas = openRegistry({ url: registry.url })
  try {
    const formats = new Formats(formatRules({ quotes: MAPPING }, []), schemas)
    const { signal } = new AbortController()
    const read = async (partition: number) => {
      for (let i = 0; i < IDS; i++) await formats.ready([recordOf((i * 7 + partition * 61) % IDS)], signal)
    }
    await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => read(partition)))
    const asked = [...registry.asked.values()]
    const figure = { kind: 'value', unit: 'requests' } as const
    const each = 'of a thousand schema ids at a registry of 50 ms'
    yield { ...figure, case: `most for one ${each}`, value: Math.max(...asked.map(({ all }) => all)) }
    yield { ...figure, case: `most at once for one ${each}`, value: Math.max(...asked.map(({ most }) => most)) }
    if (asked.length !== IDS) throw new Error(`${asked.length} ids were asked for, ${IDS} expected`)
  } finally {
    schemas?.close()
    await registry.close()
  }
}

interface Asked {
  all: number
  atOnce: number
  most: number
}

async function slowRegistry() {
  const asked = new Map<string, Asked>()
  const server = createServer(async ({ url = '' }, response) => {
    const of = asked.get(url) ?? { all: 0, atOnce: 0, most: 0 }
    asked.set(url, of)
    of.all++
    of.atOnce++
    of.most = Math.max(of.most, of.atOnce)
    await delay(ANSWER_MS)
    of.atOnce--
    response.end(SCHEMA)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]()
    },
  }
}

function recordOf(id: number): Parameters<Formats['ready']>[0][number] {
  const value = Buffer.alloc(5)
  value.writeUInt32BE(id, 1)
  return { topic: 'quotes', partition: 0, offset: 0n, timestampMs: 0, key: undefined, value, headers: [] }
}
