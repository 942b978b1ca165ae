import { ForewarmError } from '../../forewarm-error.ts'
import { InFlight } from '../../in-flight.ts'
import type { SqlEngine } from './sql-engine.ts'

/** The part of the package `chdb` that is used. Users who want it install it, because it is 550 MB. */
interface Session {
  queryAsync(sql: string, options?: { readonly format: string }): Promise<{ text(): string }>
  close(): void
}

interface Chdb {
  readonly Session: new (path?: string) => Session
}

const PACKAGE = 'chdb'

/**
 * ClickHouse in this process, once in a process. Its data lie in the directory `path`, or else in one that is removed at
 * the end. Throws a ForewarmError 'bad-config' if the package is not installed.
 */
export async function createEmbeddedEngine(path: string | undefined): Promise<SqlEngine> {
  const { Session } = await imported()
  const session = path === undefined ? new Session() : new Session(path)
  const inFlight = new InFlight()
  let isClosed = false
  const query: Session['queryAsync'] = async (sql, options) => {
    if (isClosed) throw new Error('closed')
    return await inFlight.add(session.queryAsync(sql, options))
  }
  return {
    run: async (sql) => {
      await query(sql)
    },
    rows: async (sql) => {
      const result = await query(sql, { format: 'JSONCompact' })
      const { data } = JSON.parse(result.text()) as { readonly data: readonly (readonly unknown[])[] }
      return data
    },
    // It is a statement, because the session's own insert refuses whole numbers beyond 2⁵³, which prices may well be.
    insert: async (table, rows) => {
      const lines = Array.from(rows, (row) => JSON.stringify(row)).join('\n')
      await query(`INSERT INTO ${table} FORMAT JSONEachRow ${lines}`)
    },
    close: async () => {
      if (isClosed) return
      isClosed = true
      // If the session were closed during a statement, the engine would end for the rest of the process.
      await inFlight.settled()
      session.close()
    },
  }
}

async function imported(): Promise<Chdb> {
  try {
    return (await import(PACKAGE)) as Chdb
  } catch (cause) {
    const problem = 'CLICKHOUSE_URL is chdb:, but the package chdb is not installed: npm install chdb'
    throw new ForewarmError('bad-config', problem, { cause })
  }
}
