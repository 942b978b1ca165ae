import type { RolloutAuthor, RolloutOutcome, RolloutVersion } from '../rollout/rollout-change.ts'
import type { RolloutChange } from '../rollout/rollout-value.ts'

/** The rollout of a node and of its service. */
export interface RolloutOperations {
  status(): {
    readonly mode: string
    readonly offBecause: string | undefined
    readonly set: RolloutVersion
    readonly unknownChains: readonly string[]
    readonly shadow:
      | {
          readonly reads: number
          readonly hitRatio: number | undefined
          readonly hitRatioWithWarming: number | undefined
        }
      | undefined
  }
  set(change: RolloutChange, author: RolloutAuthor): Promise<RolloutOutcome>
  kill(author: Omit<RolloutAuthor, 'base'>): Promise<RolloutOutcome>
}
