import { Readable } from 'node:stream'
import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import type { SqlEngine } from './sql-engine.ts'

export interface HttpEngineOptions {
  /** `http://[user:password@]host:port[/database]`, or `https://`. */
  readonly url: string
  /** A statement that takes longer, with its answer, is given up. */
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
    // Errors are told to whoever asked.
    log: { level: ClickHouseLogLevel.OFF },
  })
  // The client's own time-out measures silence, and its signal ends with the first byte of the answer: a server that sends
  // byte by byte would be waited for without end.
  const withTimeout = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const signal = AbortSignal.timeout(timeoutMs)
    const { promise: late, reject } = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => reject(new Error(`time-out: no answer within ${timeoutMs} ms`)))
    return await Promise.race([work(signal), late])
  }
  return {
    run: (sql) =>
      withTimeout(async (signal) => {
        await client.command({ query: sql, abort_signal: signal })
      }),
    rows: (sql) =>
      withTimeout(async (signal) => {
        const result = await client.query({ query: sql, format: 'JSONCompact', abort_signal: signal })
        signal.addEventListener('abort', () => result.close())
        const { data } = await result.json<readonly unknown[]>()
        return data
      }),
    // The rows go as a stream, so that a large insert does not stop this thread for long.
    insert: (table, rows) =>
      withTimeout(async (signal) => {
        await client.insert({ table, values: Readable.from(rows), format: 'JSONEachRow', abort_signal: signal })
      }),
    close: () => client.close(),
  }
}
