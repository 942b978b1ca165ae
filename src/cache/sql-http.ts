import { Readable } from 'node:stream'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import type { SqlEngine } from './sql-engine.ts'

export interface HttpEngineOptions {
  /** `http://[user:password@]host:port[/database]`, or `https://`. */
  readonly url: string
  readonly timeoutMs: number
}

const MAX_CONNECTIONS = 4

/** Connects with the first statement. */
export function createHttpEngine({ url, timeoutMs }: HttpEngineOptions): SqlEngine {
  const client = createClient({
    url,
    request_timeout: timeoutMs,
    max_open_connections: MAX_CONNECTIONS,
    application: 'forewarm',
    // What goes wrong is told to whoever asked.
    log: { level: ClickHouseLogLevel.OFF },
  })
  return {
    run: async (sql) => {
      await client.command({ query: sql })
    },
    rows: async (sql) => {
      const result = await client.query({ query: sql, format: 'JSONCompact' })
      const { data } = await result.json<readonly unknown[]>()
      return data
    },
    // As a stream, so that a large insert is not one long stop of this thread.
    insert: async (table, rows) => {
      await client.insert({ table, values: Readable.from(rows), format: 'JSONEachRow' })
    },
    close: () => client.close(),
  }
}
