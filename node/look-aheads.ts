import { indexOfWarmKind } from '../src/cache/l1/usage.ts'
import type { Config } from '../src/config/settings.ts'
import { LookAhead, limitsOf } from '../src/warming/look-ahead.ts'
import { type AskedParts, soonestWarmMs, type TriggersParts } from './triggers.ts'

const LOOK_AHEAD = indexOfWarmKind('look-ahead')

export function isWarming(config: Config): boolean {
  return config.warming.enabled && config.warming.rollout === 'full'
}

/** Makes the look-ahead of each partition. What they count, they count together. */
export function lookAheadsOf(
  { config, caches, metrics }: TriggersParts,
  { onWarmFault }: Pick<AskedParts, 'onWarmFault'>,
): () => LookAhead {
  const { promotion, l1 } = caches
  const mode = isWarming(config) ? config.node.lookAhead : 'off'
  const limits = limitsOf(mode, { usage: l1.usage, late: () => promotion.lateByKind[LOOK_AHEAD] ?? 0 })
  return () =>
    new LookAhead({
      ...caches,
      ...limits,
      metrics,
      mode,
      timeoutMs: config.node.lookAheadMs,
      takesMs: () => promotion.typicalMs,
      minRate: config.warming.minScore,
      warmMs: soonestWarmMs(config),
      promote: (pairIds, timeoutMs) => promotion.promote(pairIds, { timeoutMs }).catch(onWarmFault),
    })
}
