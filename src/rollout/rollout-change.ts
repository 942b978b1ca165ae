import type { ControlAct, ControlRecord } from '../../schemas/control/control-record.ts'
import { isInForce } from '../control/control-state.ts'
import { changedRollout, type RolloutProblem, type RolloutValue, wholeRollout } from './rollout-value.ts'

/** The setting of the control topic that has the rollout. */
export const ROLLOUT_SETTING = 'rollout'

/** Sets values for all nodes of a service, as the control topic does. */
export interface RolloutControl {
  current(setting: string): ControlRecord | undefined
  set(
    setting: string,
    asked: Pick<ControlRecord, 'by' | 'reason' | 'forced' | 'value'>,
    base?: number,
  ): Promise<
    | { readonly status: 'won'; readonly record: ControlRecord }
    | { readonly status: 'lost'; readonly winner: ControlRecord }
    | { readonly status: 'failed'; readonly reason: string }
  >
}

/** Who changes the rollout, and why. `base`: the version that the operator has seen; whichever is in force unless given. */
export interface RolloutAuthor {
  readonly by: string
  readonly reason?: string
  readonly base?: number
}

/** A rollout that was set for a service. Version 0: nobody has set one, and each node goes by its settings. */
export interface RolloutVersion extends RolloutValue, Omit<ControlAct, 'value'> {
  /** Those before it, the newest first. */
  readonly past: readonly (RolloutValue & Omit<ControlAct, 'value'>)[]
}

/**
 * What became of a change. `lost`: another operator was faster, and `winner` is in force. `refused`: it is not allowed, and
 * nothing has changed. `failed`: Kafka did not take it.
 */
export type RolloutOutcome =
  | { readonly status: 'set'; readonly rollout: RolloutVersion }
  | { readonly status: 'lost'; readonly winner: RolloutVersion }
  | { readonly status: 'refused'; readonly problems: readonly RolloutProblem[] }
  | { readonly status: 'failed'; readonly reason: string }

/** A kill that is overtaken is asked for again, so often at most. */
const KILLS = 10

/** Changes some of the rollout that is in force. `configured`: the one that holds while nobody has set one. */
export async function changeRollout(
  control: RolloutControl,
  change: { readonly configured: RolloutValue; readonly of: Readonly<Record<string, unknown>> },
  { base, ...author }: RolloutAuthor,
): Promise<RolloutOutcome> {
  const before = control.current(ROLLOUT_SETTING)
  const valueBefore = rolloutOf(before) ?? change.configured
  const changed = changedRollout(valueBefore, change.of)
  if ('problems' in changed) return { status: 'refused', problems: changed.problems }
  const problem = problemOfAsk(valueBefore, change.of)
  if (problem !== undefined) return { status: 'refused', problems: [problem] }
  // The value is that of this version with the change: a kill that comes meanwhile must not be undone by it.
  if (base !== undefined && !isInForce(base, before))
    return { status: 'lost', winner: versionOf(before, change.configured) }
  const version = before?.version ?? 0
  return outcomeOf(await control.set(ROLLOUT_SETTING, { ...author, value: { ...changed.value } }, version))
}

/** What an operator cannot have meant, though each value is allowed. */
function problemOfAsk(before: RolloutValue, asked: Readonly<Record<string, unknown>>): RolloutProblem | undefined {
  const { mode, chains = before.chains, percent = before.percent } = asked
  if (Object.keys(asked).length === 0) return { field: 'mode', detail: 'there is nothing to change' }
  if (mode !== 'canary' || chains !== 'all' || percent !== 100 || asked.percent !== undefined) return undefined
  return { field: 'percent', detail: 'a canary needs a percentage, or chains: without them all pairs would warm' }
}

/**
 * Kills warming in the whole service, whatever another operator sets at the same time. What that operator was told to have
 * set stays beneath the kill: it holds once the kill is lifted.
 */
export async function killRollout(
  control: RolloutControl,
  configured: RolloutValue,
  author: Omit<RolloutAuthor, 'base'>,
): Promise<RolloutOutcome> {
  let beneath: RolloutValue | undefined
  for (let left = KILLS; ; left--) {
    const before = control.current(ROLLOUT_SETTING)
    const value = { ...(beneath ?? rolloutOf(before) ?? configured), killed: true }
    const written = await control.set(ROLLOUT_SETTING, { ...author, forced: true, value })
    const outcome = outcomeOf(written)
    beneath = written.status === 'won' ? overtakenBy(written.record, before) : undefined
    if (left === 0 || (outcome.status !== 'lost' && beneath === undefined)) return outcome
    if (outcome.status === 'lost' && outcome.winner.killed) return outcome
  }
}

/** What another operator has set after `before`, and a forced record has overtaken. `before` may have been written again. */
function overtakenBy({ past }: ControlRecord, before: ControlRecord | undefined): RolloutValue | undefined {
  const [last] = past ?? []
  if (last === undefined || last.version <= (before?.version ?? 0)) return undefined
  return last.by === before?.by && last.atMs === before.atMs ? undefined : rolloutOf(last)
}

/** The rollout of a record; undefined without one. */
export function rolloutOf(record: Pick<ControlRecord, 'value'> | undefined): RolloutValue | undefined {
  const value = record && wholeRollout(record.value)
  return typeof value === 'string' ? undefined : value
}

/** The rollout of a record with who set it; `configured` without one. */
export function versionOf(record: ControlRecord | undefined, configured: RolloutValue): RolloutVersion {
  if (record === undefined) return { ...configured, version: 0, by: 'the settings', atMs: 0, past: [] }
  const past = (record.past ?? []).map((act) => ({ ...valuesOf(act, configured), ...authorOf(act) }))
  return { ...valuesOf(record, configured), ...authorOf(record), past }
}

function valuesOf(act: ControlAct, otherwise: RolloutValue): RolloutValue {
  return rolloutOf(act) ?? otherwise
}

function authorOf({ version, by, atMs, reason }: ControlAct): Omit<ControlAct, 'value'> {
  return { version, by, atMs, ...(reason !== undefined && { reason }) }
}

function outcomeOf(written: Awaited<ReturnType<RolloutControl['set']>>): RolloutOutcome {
  switch (written.status) {
    case 'won':
      return { status: 'set', rollout: versionOf(written.record, NOTHING) }
    case 'lost':
      return { status: 'lost', winner: versionOf(written.winner, NOTHING) }
    case 'failed':
      return written
  }
}

const NOTHING: RolloutValue = { mode: 'off', chains: 'all', percent: 100, controlShare: 0, killed: false }
