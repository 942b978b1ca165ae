export const ROLLOUT_MODES = ['off', 'shadow', 'canary', 'full'] as const
/**
 * How much a service warms by itself. `off`: nothing. `shadow`: nothing, but it tells what hit ratio warming would have
 * brought. `canary`: after the updates of a part of the pairs. `full`: after all updates.
 */
export type RolloutMode = (typeof ROLLOUT_MODES)[number]
