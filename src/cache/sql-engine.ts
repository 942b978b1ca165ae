/** A ClickHouse, over HTTP (sql-http.ts) or in the process (sql-embedded.ts): the same statements on both. */
export interface SqlEngine {
  /** Runs a statement that brings no rows. Rejects with what the engine said. */
  run(sql: string): Promise<void>
  /** The rows of a SELECT, each a list of its columns. Rejects as `run` does. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>
  insert(table: string, rows: readonly object[]): Promise<void>
  close(): Promise<void>
}
