import type { Log } from '../../src/telemetry/log.ts'
import type { Caches } from '../options.ts'

const NEXT = '`forewarm rollout set canary --percent 5` begins with a part of the pairs'

/** Says at the start that the node warms less than it could, and how to change that. */
export function tellRollout({ rollout }: Pick<Caches, 'rollout'>, log: Log): void {
  const { mode, offBecause } = rollout
  const facts = { mode, ...(offBecause !== undefined && { offBecause }) }
  if (mode === 'shadow')
    log.info(facts, `shadow: nothing is warmed; \`GET /rollout\` tells the hit ratio that warming would bring; ${NEXT}`)
  else if (mode === 'off')
    log.info(
      facts,
      `nothing is warmed: ${offBecause ?? 'the rollout is off'}; \`forewarm rollout status\` says who set it`,
    )
}
