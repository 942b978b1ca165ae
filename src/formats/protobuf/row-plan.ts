import type { RowFields } from '../flat/flat-row.ts'
import { Places } from '../flat/places.ts'
import type { Mapping } from '../mapping/mapping.ts'
import type { Path } from '../path.ts'
import type { TopicGroups } from '../scope.ts'
import type { TimeUnit } from '../time.ts'
import { type MessageTable, Tables } from './message-tables.ts'
import type { MessageType } from './proto-schema.ts'
import { against } from './steps.ts'

/** How messages are read that give one row each. */
export interface RowPlan {
  readonly tables: readonly MessageTable[]
  readonly texts: readonly Buffer[]
  readonly numbers: readonly number[]
  /** The index is the place: digits of a whole number that stand behind the point. */
  readonly digits: readonly number[]
  /** The index is the place: the table of a number that is 0 where the message is there without it; -1: it is absent. */
  readonly zeroIn: readonly number[]
  readonly fields: RowFields
}

/** Milliseconds a unit, and units a millisecond. Nanoseconds are divided as they are read. */
const FACTORS: Readonly<Partial<Record<TimeUnit, readonly [number, number]>>> = {
  ...{ ms: [1, 1], s: [1_000, 1], us: [1, 1_000], ns: [1, 1] },
}

/** What is read is kept in the bits of one number. */
const MOST_BITS = 31

/** Undefined if mapping or schema say more than a plan can do. */
export function rowPlanOf(
  type: MessageType,
  mapping: Mapping,
  on: { readonly topic: string; readonly groups: TopicGroups },
): RowPlan | undefined {
  const { record, text, updates, skip, delete: deletes } = mapping
  if (record.length > 0 || text !== undefined || updates !== undefined) return undefined
  const places = new Places(on.topic, on.groups)
  const fields = places.fieldsOf(mapping)
  const time = mapping.fields.eventTimeMs
  const factors = time && FACTORS[time.unit]
  if (fields === undefined || time === undefined || factors === undefined) return undefined
  const tables = new Tables(time.unit === 'ns')
  // A field that the schema does not have is absent.
  const isThere = (path: Path) => !against(type, path, 'any')?.isAbsent
  for (const asked of places.asked) if (isThere(asked.path) && !tables.add(type, asked.path, asked)) return undefined
  for (const condition of [...skip, ...deletes]) if (!tables.addCondition(type, condition)) return undefined
  if (places.count > MOST_BITS || tables.tables.length > MOST_BITS) return undefined
  const [timeFactor, timeDivisor] = factors
  return {
    ...{ tables: tables.tables, texts: tables.texts, numbers: tables.numbers },
    digits: places.asked.map(({ scale }) => scale),
    zeroIn: places.asked.map(({ at }) => tables.zeroIn[at] ?? -1),
    fields: { ...fields, places: places.count, timeFactor, timeDivisor },
  }
}
