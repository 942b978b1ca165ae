/** Where a value came from, first wins. */
export type Origin = 'argument' | 'environment' | '.env' | 'file' | 'profile' | 'default'

export interface ConfigProblem {
  /** The name in the environment, or the path in the file or the argument. */
  readonly setting: string
  readonly origin: Origin
  /** What came; of a secret only that it came. */
  readonly received: string
  readonly allowed: string
}

/** One line a problem, as the start prints them. */
export function describeProblems(problems: readonly ConfigProblem[]): string {
  return problems
    .map(({ setting, origin, received, allowed }) => `${setting} (${origin}): got ${received}; allowed: ${allowed}`)
    .join('\n')
}
