import { nearest } from '../../nearest.ts'
import type { ConfigProblem, Origin } from '../problem.ts'
import { type Overrides, SETTING_PLACES, type SettingPlace } from '../settings.ts'
import { type JsonObject, member, unknownKeys } from '../settings-file.ts'
import { nameAt } from './layers.ts'

/** All that is changed on a node that runs, by a call on this node and over the control topic. */
export interface ConfigChanges {
  readonly update: Overrides
  /** Values by the name of their setting. */
  readonly control: JsonObject
}

/** Finds names that no setting has, settings that change only at start, and updates of what the control topic has set. */
export function changeProblems({ update, control }: ConfigChanges): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [...unknownKeys(update, 'update'), ...unknownNames(control)]
  for (const place of SETTING_PLACES) {
    const isUpdated = member(member(update, place.group), place.key) !== undefined
    if (isUpdated) problems.push(...unchangeable(place, 'update'))
    if (member(control, place.row.name) !== undefined) problems.push(...unchangeable(place, 'control'))
  }
  return problems
}

function unchangeable(place: SettingPlace, origin: Origin): readonly ConfigProblem[] {
  const { changes } = place.row
  if (changes === 'while running') return []
  const allowed = `a value at start alone: ${changes.atStart}`
  return [{ setting: nameAt(place, origin), origin, received: 'a change while the node runs', allowed }]
}

const NAMES = SETTING_PLACES.map(({ row }) => row.name)

function unknownNames(control: JsonObject): readonly ConfigProblem[] {
  return Object.keys(control)
    .filter((name) => !NAMES.includes(name))
    .map((name) => {
      const meant = nearest(name, NAMES)
      const allowed = meant === undefined ? 'the name of a setting in capitals' : `did you mean ${meant}?`
      return { setting: name, origin: 'control', received: 'an unknown name', allowed }
    })
}
