import type { Control } from '../../node/control/control.ts'
import { passedOver } from '../../node/control/passed-over.ts'
import { CONFIG_SETTING } from '../../node/control/shared-config.ts'
import type { ControlRecord } from '../../schemas/control/control-record.ts'
import type { Broker } from '../../src/broker/port.ts'
import { describeConfig, type LoadedConfig, type ShownSetting } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'
import { isInForce } from '../../src/control/control-state.ts'
import { ForewarmError } from '../../src/forewarm-error.ts'
import { withControl } from './with-control.ts'

/** The settings that the control topic has for all nodes of a service, and all settings with these. */
export interface SharedSettings {
  readonly service: string
  /** 0: nothing was ever set. */
  readonly version: number
  readonly set: Readonly<Record<string, unknown>>
  readonly settings: readonly ShownSetting[]
  /** Why `settings` are not those with the ones that were set. */
  readonly trouble?: string
}

export interface SharedChange {
  readonly set: Readonly<Record<string, string>>
  /** Settings that go back to what each node has of its own. */
  readonly unset: readonly string[]
  readonly by: string
  readonly reason?: string
  /** The version that the operator has seen; whichever is in force unless given. */
  readonly base?: number
}

/** A node may know settings that this command does not, so that their record is in force all the same. */
const SETTINGS = { [CONFIG_SETTING]: () => undefined }

/** What was in force before a change, and what is now. */
export interface Changed {
  readonly before: SharedSettings
  readonly after: SharedSettings
}

export function sharedSettings(broker: Broker, loaded: LoadedConfig): Promise<SharedSettings> {
  return withControl(broker, loaded.config, {
    settings: SETTINGS,
    body: async (control) => {
      const unread = passedOver(control)
      return { ...shown(loaded, control.current(CONFIG_SETTING)), ...(unread !== undefined && { trouble: unread }) }
    },
  })
}

/**
 * Changes settings for all nodes of the service. Rejects with a ForewarmError: 'bad-config' that names every fault,
 * 'refused' if another operator was faster, or Kafka did not take it. Then nothing has changed.
 */
export function changeShared(broker: Broker, loaded: LoadedConfig, change: SharedChange): Promise<Changed> {
  const body = async (control: Control): Promise<Changed> => {
    const current = control.current(CONFIG_SETTING)
    const { base } = change
    if (base !== undefined && !isInForce(base, current)) throw overtaken(base, current)
    const kept = Object.entries(current?.value ?? {}).filter(([name]) => !change.unset.includes(name))
    const value = { ...Object.fromEntries(kept), ...change.set }
    const before = shown(loaded, current)
    const notSet = change.unset.filter((name) => !Object.hasOwn(before.set, name))
    if (notSet.length > 0)
      throw new ForewarmError(
        'refused',
        `${notSet.join(', ')}: not set for all nodes, so that nothing can be taken back; \`forewarm config shared\` shows what is`,
      )
    withShared(loaded, value)
    const { by, reason } = change
    const asked = { value, by, ...(reason !== undefined && { reason }) }
    const written = await control.set(CONFIG_SETTING, asked, before.version)
    switch (written.status) {
      case 'won':
        return { before, after: shown(loaded, written.record) }
      case 'lost':
        throw overtaken(before.version, written.winner)
      case 'failed':
        throw new ForewarmError('refused', `nothing was set: ${written.reason}`)
    }
  }
  return withControl(broker, loaded.config, { settings: SETTINGS, body })
}

function overtaken(seen: number, winner: ControlRecord | undefined): ForewarmError {
  const what =
    winner === undefined
      ? `there is no version ${seen}: nothing was ever set`
      : `${winner.by} was faster: version ${winner.version} is in force, and yours is not`
  return new ForewarmError('refused', what)
}

/** The settings of a node that has the same settings of its own as this command. */
function withShared(loaded: LoadedConfig, control: Readonly<Record<string, unknown>>): LoadedConfig {
  const changed = loaded.changed({ update: {}, control })
  if (changed.status === 'loaded') return changed
  throw new ForewarmError('bad-config', describeProblems(changed.problems))
}

function shown(loaded: LoadedConfig, record: ControlRecord | undefined): SharedSettings {
  const { version, value: set } = record ?? { version: 0, value: {} }
  const changed = loaded.changed({ update: {}, control: set })
  const { service } = loaded.config.node
  if (changed.status === 'loaded') return { service, version, set, settings: describeConfig(changed) }
  const why = describeProblems(changed.problems).replaceAll('\n', '; ')
  const trouble = `version ${version}, set by ${record?.by}, is refused by nodes with the settings of this machine: ${why}`
  return { service, version, set, settings: describeConfig(loaded), trouble }
}
