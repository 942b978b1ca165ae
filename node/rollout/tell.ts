import type { Config } from '../../src/config/settings.ts'
import type { Log } from '../../src/telemetry/log.ts'
import type { Caches } from '../options.ts'

/** Says at the start that the node warms less than it could, and how to change that. */
export function tellRollout({ rollout }: Pick<Caches, 'rollout'>, { node }: Config, log: Log): void {
  const { mode, offBecause } = rollout
  const facts = { mode, ...(offBecause !== undefined && { offBecause }) }
  if (mode === 'shadow')
    log.info(
      facts,
      `nothing is warmed yet (${node.profile === 'production' ? 'the profile production begins in shadow' : 'shadow'}): \`forewarm rollout status\` tells the hit ratio that warming would bring, \`forewarm rollout set canary --percent 5\` begins with it`,
    )
  else if (mode === 'off') log.info(facts, 'nothing is warmed: the rollout is off')
}
