import { indexOfWarmKind, warmCode } from '../src/cache/l1/usage.ts'
import type { Config } from '../src/config/settings.ts'
import { countingLimits } from '../src/strategy/choice.ts'
import { LookAhead, type LookAheadOptions, limitsOf } from '../src/warming/look-ahead.ts'
import type { Caches } from './options.ts'
import { secondChoice, strategyChoice } from './strategies/strategies.ts'
import { type AskedParts, soonestWarmMs, type TriggersParts } from './triggers.ts'

const LOOK_AHEAD = indexOfWarmKind('look-ahead')

export function isWarming(config: Config): boolean {
  return config.warming.enabled && config.warming.rollout === 'full'
}

/** Makes the look-ahead of each partition. What they count, they count together, and they share their options. */
export function lookAheadsOf(
  { config, running, caches, metrics }: TriggersParts,
  { onWarmFault }: Pick<AskedParts, 'onWarmFault'>,
): () => LookAhead {
  const { promotion, arms } = caches
  const kindIndexOf = (pairId: number) => warmCode(LOOK_AHEAD, arms.areTwo ? arms.wantedBy(pairId) : 0)
  const shared = {
    ...caches,
    metrics,
    ...changeableOf(config, caches),
    takesMs: () => promotion.typicalMs,
    warmMs: soonestWarmMs(config),
    promote: (pairIds: readonly number[], timeoutMs: number) =>
      promotion.promote(pairIds, { timeoutMs, kindIndexOf }).catch(onWarmFault),
  }
  let { mode } = shared
  running.follow((changed) => {
    const { patience, throttle, ...changeable } = changeableOf(changed, caches)
    // What limits the look-ahead has learned how it does, and is kept unless the mode needs another limit.
    Object.assign(shared, changeable, changeable.mode !== mode && { patience, throttle })
    mode = changeable.mode
  })
  return () => new LookAhead(shared)
}

type Changeable = Pick<LookAheadOptions, 'mode' | 'timeoutMs' | 'minRate' | 'minRateB' | 'patience' | 'throttle'>

function changeableOf(config: Config, { promotion, l1 }: Pick<Caches, 'promotion' | 'l1'>): Changeable {
  const mode = isWarming(config) ? config.node.lookAhead : 'off'
  return {
    mode,
    timeoutMs: config.node.lookAheadMs,
    minRate: countingLimits(strategyChoice(config)).minScore,
    minRateB: secondChoice(config)?.minScore,
    ...limitsOf(mode, { usage: l1.usage, late: () => promotion.lateByKind[LOOK_AHEAD] ?? 0 }),
  }
}
