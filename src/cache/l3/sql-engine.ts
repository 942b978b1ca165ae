/** A ClickHouse, over HTTP (sql-http.ts) or in the process (sql-embedded.ts): the same statements on both. */
export interface SqlEngine {
  /** Runs a statement that brings no rows. Rejects with what the engine said. */
  run(sql: string): Promise<void>
  /** The rows of a SELECT, each a list of its columns. Rejects as `run` does. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>
  insert(table: string, rows: Iterable<object>): Promise<void>
  close(): Promise<void>
}

/** The first line: a server's answer may hold the statement, and pages of where it failed. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return (text.split('\n')[0] ?? '').slice(0, 200)
}
