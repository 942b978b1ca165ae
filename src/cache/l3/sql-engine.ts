/** A ClickHouse over HTTP (sql-http.ts) or in the process (sql-embedded.ts), which run the same statements. */
export interface SqlEngine {
  /** Runs a statement that gives no rows. Rejects with the engine's error. */
  run(sql: string): Promise<void>
  /** The rows of a SELECT, each a list of its columns. Rejects as `run` does. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>
  insert(table: string, rows: Iterable<object>): Promise<void>
  close(): Promise<void>
}

/** The first line of an error. The rest of a server's answer may hold the statement, and pages of stack traces. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return (text.split('\n')[0] ?? '').slice(0, 200)
}
