import type { Promotion } from '../cache/promotion.ts'
import type { Rollout } from '../rollout/rollout.ts'
import type { Shadow } from '../rollout/shadow.ts'
import { isAutomatic } from './warm-answer.ts'
import type { WarmJob } from './warm-job.ts'

/** The parts that say whether requests are carried out, and in which promotion. */
export interface Governing {
  readonly promotion: Pick<Promotion, 'promote'>
  /** How much is warmed; all of it unless given. */
  readonly rollout?: Pick<Rollout, 'way' | 'isKilled'> | undefined
  /** Takes the automatic warms that are not carried out. */
  readonly shadow?: Pick<Shadow, 'parts' | 'warmed'> | undefined
}

export interface Governed {
  readonly jobs: readonly WarmJob[]
  readonly promotion: Pick<Promotion, 'promote'>
  /** The promotion leaves L1 as it is. */
  readonly isShadow: boolean
}

/** Why nothing is warmed at the moment. */
export function offBecause({ rollout }: Pick<Governing, 'rollout'>): 'off' | 'killed' | undefined {
  if (rollout?.way !== 'off') return undefined
  return rollout.isKilled ? 'killed' : 'off'
}

/** In shadow, the requests that nodes make by themselves go into the shadow. Those by hand are carried out. */
export function governed(jobs: readonly WarmJob[], { promotion, rollout, shadow }: Governing): readonly Governed[] {
  const parts = rollout?.way === 'shadow' ? shadow?.parts : undefined
  if (parts === undefined) return [{ jobs, promotion, isShadow: false }]
  const [automatic, byHand] = [true, false].map((is) => jobs.filter(({ request }) => isAutomatic(request) === is))
  return [
    { jobs: automatic ?? [], promotion: parts.promotion, isShadow: true },
    { jobs: byHand ?? [], promotion, isShadow: false },
  ]
}
