/**
 * The places that a value can come from. The first that has one wins. `control`: the control topic, for all nodes of the
 * service. `update`: `node.updateConfig`.
 */
export type Origin = 'control' | 'update' | 'argument' | 'environment' | '.env' | 'file' | 'profile' | 'default'

export interface ConfigProblem {
  /** The name in the environment, or the path in the file or the argument. */
  readonly setting: string
  readonly origin: Origin
  /** The value as it was given; a secret is not shown. */
  readonly received: string
  readonly allowed: string
}

/** One line for each problem, as they are printed at start. */
export function describeProblems(problems: readonly ConfigProblem[]): string {
  return problems
    .map(({ setting, origin, received, allowed }) => `${setting} (${origin}): got ${received}; allowed: ${allowed}`)
    .join('\n')
}
