import { indexOfWarmKind } from '../../src/cache/l1/usage.ts'
import type { Config } from '../../src/config/settings.ts'
import { countingLimits } from '../../src/strategy/choice.ts'
import { LookAhead, type LookAheadOptions, limitsOf } from '../../src/warming/look-ahead.ts'
import { secondChoice, strategyChoice } from '../strategies/strategies.ts'
import { type AskedParts, soonestWarmMs, type TriggersParts } from './triggers.ts'
import type { WarmsInto } from './warms-into.ts'

export const LOOK_AHEAD = indexOfWarmKind('look-ahead')

/** The look-aheads of all partitions. */
export interface LookAheads {
  /** Makes that of a partition. */
  readonly make: () => LookAhead
  /** Takes new settings. */
  readonly adjust: (config: Config) => void
}

/** What the look-aheads of the partitions count, they count together, and they share their options. */
export function lookAheadsOf(
  { config, caches, metrics }: TriggersParts,
  { onWarmFault }: Pick<AskedParts, 'onWarmFault'>,
  into: WarmsInto,
): LookAheads {
  const shared = {
    ...caches,
    ...into,
    metrics,
    ...changeableOf(config, into),
    warmMs: soonestWarmMs(config),
    promote: (pairIds: readonly number[], timeoutMs: number, waits: boolean) =>
      into.promote(pairIds, timeoutMs, waits).catch(onWarmFault),
  }
  let { mode } = shared
  return {
    make: () => new LookAhead(shared),
    adjust: (changed) => {
      const { patience, throttle, ...changeable } = changeableOf(changed, into)
      // What limits the look-ahead has learned how it does, and is kept unless the mode needs another limit.
      Object.assign(shared, changeable, changeable.mode !== mode && { patience, throttle })
      mode = changeable.mode
    },
  }
}

type Changeable = Pick<LookAheadOptions, 'mode' | 'timeoutMs' | 'minRate' | 'minRateB' | 'patience' | 'throttle'>

function changeableOf(config: Config, { l1, late }: WarmsInto): Changeable {
  const { lookAhead: mode, lookAheadMs: timeoutMs } = config.node
  const { minScore: minRate } = countingLimits(strategyChoice(config))
  return {
    mode,
    timeoutMs,
    minRate,
    minRateB: secondChoice(config)?.minScore,
    ...limitsOf(mode, { usage: l1.usage, late }),
  }
}
