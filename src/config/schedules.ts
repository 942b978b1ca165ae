import { type Calendar, NO_CLOSED_DAYS, parseCalendar } from '../schedules/calendar.ts'
import { configuredSchedules } from '../schedules/configured.ts'
import type { WarmSchedule } from '../schedules/schedule.ts'
import type { ReadFile } from './check.ts'
import type { FoundValues } from './contradictions.ts'
import { nameAt } from './layers/layers.ts'
import type { ConfigProblem } from './problem.ts'
import { type Config, SETTING_PLACES } from './settings.ts'

/** The schedules, and all that is wrong with them. */
export interface FoundSchedules {
  readonly schedules: readonly WarmSchedule[]
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
}

/** Makes the schedules that are set. A value that is not allowed by itself is told elsewhere. */
export function findSchedules(config: Config, found: FoundValues, readFile: ReadFile): FoundSchedules {
  const problems: ConfigProblem[] = []
  const refuse = (key: string, received: string, allowed: string) => {
    const place = SETTING_PLACES.find((each) => each.group === 'schedules' && each.key === key)
    if (place === undefined) return
    const origin = found.origin(place.row.name)
    problems.push({ setting: nameAt(place, origin), origin, received, allowed })
  }
  const calendar = calendarOf(config.schedules.calendar, readFile)
  if ('fault' in calendar) refuse('calendar', `${calendar.fault}`, CALENDAR_WORDS)
  const { schedules, faults } = configuredSchedules(config.schedules, isCalendar(calendar) ? calendar : NO_CLOSED_DAYS)
  for (const { key, received, allowed } of faults) refuse(key, received, allowed)
  return { schedules, problems, warnings: withoutRole(config, found) }
}

const CALENDAR_WORDS = 'a file of days by session, such as {"all":["2026-12-25"]}'

function calendarOf(path: string | undefined, readFile: ReadFile): Calendar | { readonly fault: string } {
  if (path === undefined) return NO_CLOSED_DAYS
  const text = readFile(path)
  if (text === undefined) return { fault: `${path}, which cannot be read` }
  const calendar = parseCalendar(text)
  return isCalendar(calendar) ? calendar : { fault: `${path}: ${calendar.fault}` }
}

function isCalendar(calendar: Calendar | { readonly fault: string }): calendar is Calendar {
  return typeof calendar.fault !== 'string'
}

/** Nodes of a service may share a file of settings, so that this is no fault. */
function withoutRole({ node }: Config, found: FoundValues): readonly string[] {
  const set = SETTING_PLACES.find(({ group, row }) => group === 'schedules' && found.origin(row.name) !== 'default')
  if (set === undefined || node.roles === undefined || node.roles.includes('warm')) return []
  return [`${set.row.name} is set, but FOREWARM_ROLES has not warm: this node runs no schedules`]
}
