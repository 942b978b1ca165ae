import { ForewarmError } from '../../forewarm-error.ts'
import { InFlight } from '../../in-flight.ts'
import type { SqlEngine } from './sql-engine.ts'

/** What is used of the package `chdb`, which is 550 MB and therefore installed by those who want it. */
interface Session {
  queryAsync(sql: string, options?: { readonly format: string }): Promise<{ text(): string }>
  close(): void
}

interface Chdb {
  readonly Session: new (path?: string) => Session
}

const PACKAGE = 'chdb'

/**
 * ClickHouse in this process, one a process, in a directory or (without `path`) in one that goes with it. Throws a
 * ForewarmError 'bad-config' where the package is not installed.
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
    // As a statement: the session's own insert refuses whole numbers beyond 2⁵³, which prices may well be.
    insert: async (table, rows) => {
      const lines = Array.from(rows, (row) => JSON.stringify(row)).join('\n')
      await query(`INSERT INTO ${table} FORMAT JSONEachRow ${lines}`)
    },
    close: async () => {
      if (isClosed) return
      isClosed = true
      // Closed under a statement, the engine would end for the rest of the process.
      await inFlight.settled()
      session.close()
    },
  }
}

async function imported(): Promise<Chdb> {
  try {
    return (await import(PACKAGE)) as Chdb
  } catch (error) {
    throw new ForewarmError(
      'bad-config',
      'CLICKHOUSE_URL is chdb:, and the package chdb is not there: npm install chdb',
      {
        cause: error,
      },
    )
  }
}
