import { ROLLOUT_SETTING } from '../../src/rollout/rollout-change.ts'
import type { Control } from './control.ts'
import { CONFIG_SETTING } from './shared-config.ts'

export type PassingControl = Pick<Control, 'refused' | 'unread'>

/** Why a node that starts does not know what rollout was set: it may be a kill. Undefined if it does, or none was set. */
export function unknownRollout(control: PassingControl): string | undefined {
  const why = control.unread(ROLLOUT_SETTING)
  if (why === undefined) return undefined
  return `the rollout that was set cannot be read (${why}): a node that starts warms nothing until somebody sets one`
}

/** What operators have set and a node does not take, in sentences; undefined if there is nothing. */
export function passedOver(control: PassingControl): string | undefined {
  const unknown = unknownRollout(control)
  const sentences = [
    ...(unknown === undefined ? [refusedText(control, ROLLOUT_SETTING, 'the rollout')] : [unknown]),
    refusedConfig(control) ?? unreadConfig(control),
  ].filter((sentence) => sentence !== undefined)
  return sentences.length === 0 ? undefined : sentences.join('; ')
}

/** Why the settings that others have in force are not in force here. */
export function refusedConfig(control: PassingControl): string | undefined {
  return refusedText(control, CONFIG_SETTING, 'the settings for all nodes')
}

function unreadConfig(control: PassingControl): string | undefined {
  const why = control.unread(CONFIG_SETTING)
  return why && `the settings for all nodes cannot be read (${why}): each node that starts goes by its own`
}

function refusedText(control: PassingControl, setting: string, words: string): string | undefined {
  const refused = control.refused(setting)
  if (refused === undefined) return undefined
  const { record, why } = refused
  return `version ${record.version} of ${words}, set by ${record.by}, is refused here: ${why.replaceAll('\n', '; ')}`
}
