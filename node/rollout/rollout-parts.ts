import type { Config } from '../../src/config/settings.ts'
import { Rollout } from '../../src/rollout/rollout.ts'
import type { RolloutValue } from '../../src/rollout/rollout-value.ts'
import { Shadow } from '../../src/rollout/shadow.ts'
import { Arms } from '../../src/warming/arms/arms.ts'
import { ComparedCounts } from '../../src/warming/arms/compared-counts.ts'
import { Comparison } from '../../src/warming/arms/comparison.ts'
import { ControlGroup } from '../../src/warming/control-group.ts'
import { Measurement } from '../../src/warming/measurement.ts'
import type { Caches, CachesOptions } from '../options.ts'

/** The rollout as the settings have it. It holds until operators set another for the service. */
export function configuredRollout({ warming }: Config): RolloutValue {
  const { rollout, rolloutPercentage, controlShare } = warming
  const mode = rollout === 'full' && rolloutPercentage < 1 ? 'canary' : rollout
  return {
    mode,
    chains: 'all',
    percent: mode === 'full' ? 100 : Number((rolloutPercentage * 100).toPrecision(12)),
    controlShare,
    killed: false,
  }
}

type RolloutParts = Pick<Caches, 'rollout' | 'shadow' | 'control' | 'measurement' | 'arms' | 'comparison'>

/** The parts of a node that its rollout governs, and those that measure what it brings. */
export function createRollout(
  { config, clock, l2, metrics }: Pick<CachesOptions, 'config' | 'clock' | 'l2' | 'metrics'>,
  caches: Pick<Caches, 'table' | 'l1' | 'l2' | 'writeBehind' | 'hierarchy'>,
): RolloutParts {
  const { warming, cache } = config
  const { enabledChains } = warming
  const rollout = new Rollout({
    table: caches.table,
    value: configuredRollout(config),
    localChains: enabledChains.includes('all') ? 'all' : enabledChains,
    switchedOff: switchedOff(config),
  })
  const control = new ControlGroup(rollout.value.controlShare)
  rollout.onChange(() => {
    control.share = rollout.value.controlShare
  })
  const ttlMs = cache.l1TtlSeconds * 1000
  // A table of this process answers before the reader goes on. To measure that would measure the machine's load.
  const takesMs = l2 === 'memory' || !cache.l2Enabled ? () => 0 : () => caches.hierarchy.fastMs
  const shadow = new Shadow({ ...caches, rollout, clock, ttlMs, takesMs, timeoutMs: warming.timeoutMs })
  const arms = new Arms(caches.table)
  const comparison = new Comparison(arms)
  const isWarming = (pairId: number) => rollout.way === 'full' && rollout.includes(pairId)
  const measurement = new Measurement({ control, comparison, isWarming, counts: new ComparedCounts(metrics) })
  return { rollout, shadow, control, measurement, arms, comparison }
}

function switchedOff({ warming }: Config): string | undefined {
  if (!warming.enabled) return 'WARMING_ENABLED is off'
  return warming.feature ? undefined : 'FEATURE_CACHE_WARMING_ENABLED is off'
}
