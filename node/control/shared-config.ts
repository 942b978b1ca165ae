import type { ControlRecord } from '../../schemas/control/control-record.ts'
import { describeConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'
import type { RunningConfig } from '../../src/config/running/running-config.ts'
import { SETTING_PLACES } from '../../src/config/settings.ts'
import { isInForce } from '../../src/control/control-state.ts'
import type { AskedConfig, ConfigOperations, ConfigOutcome, SetConfig } from '../../src/http/config-operations.ts'
import type { Control } from './control.ts'

/** The setting of the control topic that has the settings of nodes that run. */
export const CONFIG_SETTING = 'config'

type SharedControl = Pick<Control, 'current' | 'refused' | 'set'>

const AT_START = new Map(
  SETTING_PLACES.map(({ row: { name, changes } }) => [name, changes === 'while running' ? undefined : changes.atStart]),
)

/** Why this node does not take the values of a control record; undefined if it does. */
export function configFault(running: RunningConfig, control: ControlRecord['value']): string | undefined {
  const judged = running.now.changed({ ...running.changes, control })
  return judged.status === 'refused' ? describeProblems(judged.problems) : undefined
}

/** The settings as HTTP shows them, and sets them for all nodes of the service. */
export function sharedConfig(running: RunningConfig, control: () => SharedControl | undefined): ConfigOperations {
  return {
    inForce: () => inForce(control()),
    settings: () => describeConfig(running.now).map((row) => ({ ...row, atStart: AT_START.get(row.name) })),
    set: (asked) => setFor(running, control(), asked),
  }
}

async function setFor(
  running: RunningConfig,
  control: SharedControl | undefined,
  { set, base, ...author }: AskedConfig,
): Promise<ConfigOutcome> {
  const judged = running.now.changed({ ...running.changes, control: set })
  if (judged.status === 'refused') return { status: 'refused', problems: judged.problems }
  if (control === undefined) return { status: 'failed', reason: 'Kafka has not answered yet' }
  const here = control.current(CONFIG_SETTING)
  const seen = control.refused(CONFIG_SETTING)?.record ?? here
  if (base !== undefined && !isInForce(base, seen)) return { status: 'lost', winner: inForce(control) }
  // Whoever has seen what others have in force has seen that it is not in force here.
  const before = base === undefined ? undefined : (here?.version ?? 0)
  const written = await control.set(CONFIG_SETTING, { ...author, value: set }, before)
  switch (written.status) {
    case 'won':
      return { status: 'set' }
    case 'lost':
      return { status: 'lost', winner: setConfigOf(written.winner) }
    case 'failed':
      return written
  }
}

/** What the nodes of the service have, though this one may refuse it. */
function inForce(control: SharedControl | undefined): SetConfig {
  const refused = control?.refused(CONFIG_SETTING)
  if (refused === undefined) return setConfigOf(control?.current(CONFIG_SETTING))
  return { ...setConfigOf(refused.record), refusedBecause: refused.why }
}

function setConfigOf(record: ControlRecord | undefined): SetConfig {
  if (record === undefined) return { version: 0, set: {} }
  const { version, by, atMs, reason, value } = record
  return { version, by, atMs, ...(reason !== undefined && { reason }), set: value }
}
