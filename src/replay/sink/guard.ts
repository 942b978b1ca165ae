import { ReplayError } from '../replay-error.ts'

/** The topics that a replay is about to write to, and what the user has allowed. */
export interface WriteIntent {
  readonly from: { readonly clusterId: string | undefined; readonly topics: readonly string[] }
  readonly to: { readonly clusterId: string; readonly topics: readonly string[] }
  readonly protectedClusters: readonly string[]
  /** A dangerous write needs both, since one alone may be a slip. */
  readonly force: boolean
  readonly reallyForce: boolean
}

/**
 * Throws `same-topic` if records would go into the topic that they are read or were recorded from: a live topic would get
 * its own past. Throws `protected-cluster` if the operator protects the cluster.
 */
export function assertMayWrite(intent: WriteIntent): void {
  if (intent.force && intent.reallyForce) return
  const { from, to } = intent
  const howTo =
    intent.force || intent.reallyForce
      ? 'give both --force and --yes-really'
      : 'if you mean it, give --force and --yes-really'
  if (intent.protectedClusters.includes(to.clusterId)) {
    const topics = to.topics.join(', ')
    throw new ReplayError(
      'protected-cluster',
      `cluster ${to.clusterId} is protected: not writing ${topics} there; ${howTo}`,
    )
  }
  if (from.clusterId !== to.clusterId) return
  const same = to.topics.find((topic) => from.topics.includes(topic))
  if (same !== undefined) {
    throw new ReplayError(
      'same-topic',
      `${same} would be written into itself (cluster ${to.clusterId}): choose another prefix or topic; ${howTo}`,
    )
  }
}
