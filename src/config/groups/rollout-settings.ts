import { ROLLOUT_MODES, type RolloutMode } from '../../../schemas/control/rollout-modes.ts'
import { MAX_CHAIN_BYTES } from '../../../schemas/topics.ts'
import { type Check, decimal, listOf, oneOf, text } from '../check.ts'
import { atStart, fixed, onOff, setting } from '../setting.ts'

const CHAINS: Check<readonly string[]> = listOf(
  text('a chain', new RegExp(`^[^\\0,]{1,${MAX_CHAIN_BYTES}}$`)),
  'chains, separated by commas; all: every chain',
)

/** Settings that say how much a node warms by itself until operators set it for the whole service. */
export const ROLLOUT_SETTINGS = atStart('the rollout of all nodes is set while they run, by forewarm rollout', {
  enabled: onOff(
    'WARMING_ENABLED',
    true,
    'Off: this node warms nothing, whatever operators set. Updates and reads go on.',
  ),
  feature: onOff(
    'FEATURE_CACHE_WARMING_ENABLED',
    true,
    'An older name of WARMING_ENABLED: if either is off, this node warms nothing.',
  ),
  rollout: setting({
    name: 'WARMING_ROLLOUT',
    check: oneOf(ROLLOUT_MODES),
    default: fixed<RolloutMode>('full'),
    doc: 'How much is warmed until `forewarm rollout` sets it. With off, nothing is. With shadow, nothing is, but the hit ratio that warming would bring is told. With canary, the updates of a part of the pairs warm; with full, all do. Warm requests by hand are carried out unless it is off.',
  }),
  rolloutPercentage: setting({
    name: 'WARMING_ROLLOUT_PERCENTAGE',
    check: decimal(0, 1),
    default: fixed(1),
    doc: 'The share of the pairs whose updates warm, chosen by their names. Below 1, `full` means canary.',
  }),
  enabledChains: setting<readonly string[]>({
    name: 'WARMING_ENABLED_CHAINS',
    check: CHAINS,
    default: fixed<readonly string[]>(['all']),
    doc: 'Only updates of these chains warm on this node, whatever operators set.',
  }),
  controlShare: setting({
    name: 'WARMING_CONTROL_SHARE',
    check: decimal(0, 0.5),
    default: fixed(0.02),
    doc: 'The share of the updates for which nothing is warmed, until operators set another. Comparing them with the others measures what warming brings; with 0, this is not measured.',
  }),
})
