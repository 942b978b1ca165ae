import { rolloutHandle } from '../../node/rollout/handle.ts'
import { type FollowingControl, KeptKill } from '../../node/rollout/kept-kill.ts'
import type { ControlRecord } from '../../schemas/control/control-record.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { virtualClock } from '../../src/clock.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { Rollout } from '../../src/rollout/rollout.ts'
import type { RolloutControl } from '../../src/rollout/rollout-change.ts'
import type { RolloutValue } from '../../src/rollout/rollout-value.ts'
import { createLog } from '../../src/telemetry/log.ts'

export const FULL: RolloutValue = { mode: 'full', chains: 'all', percent: 100, controlShare: 0, killed: false }

export type Written = Awaited<ReturnType<RolloutControl['set']>>

export interface HandleStageOptions {
  readonly set: FollowingControl['set']
  readonly current?: () => ControlRecord | undefined
  readonly hasStarted?: () => boolean
}

/** The handle of a node that has started unless it is said otherwise. Its kept kill is sent when `ring` is called. */
export function handleStage({ set, current = () => undefined, hasStarted = () => true }: HandleStageOptions) {
  const table = new PairTable({ maxPairs: 10 })
  const rollout = new Rollout({ table, value: FULL })
  const control: FollowingControl = { current, set, follow: async () => undefined }
  const planned = new Set<() => void>()
  const parts = { rollout, control: () => (hasStarted() ? control : undefined) }
  const kept = new KeptKill({
    ...{ ...parts, configured: FULL, log: createLog({ service: 'test', version: '0', level: 'silent' }) },
    timer: (_, run) => {
      planned.add(run)
      return () => planned.delete(run)
    },
  })
  const handle = rolloutHandle({
    ...{ ...parts, kept, id: 'node', config: defaultConfig(), isReplay: false, clock: virtualClock(1_000) },
    caches: { table, rollout, shadow: { figures: undefined } },
  })
  const ring = () => {
    for (const run of [...planned]) {
      planned.delete(run)
      run()
    }
  }
  return { rollout, handle, kept, ring, planned }
}
