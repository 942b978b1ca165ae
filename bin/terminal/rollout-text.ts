import type { RolloutVersion } from '../../src/rollout/rollout-change.ts'
import type { RolloutValue } from '../../src/rollout/rollout-value.ts'

/** The rollout of a service, for people. */
export function* rolloutText(service: string, { version, past, ...set }: RolloutVersion): Iterable<string> {
  yield `service ${service}: ${words(set)}`
  if (version === 0) {
    yield '  nobody has set a rollout: each node goes by its own settings; these are those of this machine'
    return
  }
  yield `  version ${version}, ${authorWords(set)}`
  for (const each of past) yield `  before: ${words(each)} (version ${each.version}, ${authorWords(each)})`
}

function words({ mode, chains, percent, controlShare, killed }: RolloutValue): string {
  const parts = [
    mode,
    ...(mode === 'canary' ? [`${rounded(percent)} % of the pairs`] : []),
    chains === 'all' ? 'all chains' : `chains ${chains.join(', ')}`,
    `control group ${rounded(controlShare * 100)} %`,
  ]
  return killed ? `KILLED: nothing is warmed (else ${parts.join(', ')})` : parts.join(', ')
}

function rounded(percent: number): number {
  return Number(percent.toPrecision(6))
}

function authorWords({ by, atMs, reason }: Pick<RolloutVersion, 'by' | 'atMs' | 'reason'>): string {
  return `set by ${by} at ${new Date(atMs).toISOString()}${reason === undefined ? '' : `: ${reason}`}`
}
