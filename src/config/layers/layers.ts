import { written } from '../argument.ts'
import type { ReadFile } from '../check.ts'
import type { FoundValues } from '../contradictions.ts'
import { type Environment, isSet } from '../environment.ts'
import type { ConfigProblem, Origin } from '../problem.ts'
import type { Setting } from '../setting.ts'
import { PROFILE_VALUES, type Profile, SETTING_PLACES, SETTINGS, type SettingPlace } from '../settings.ts'
import { member, readText } from '../settings-file.ts'

/** Everything that values may come from. */
export interface Layers {
  /** What the control topic has set for all nodes of the service, by name. */
  readonly control?: unknown
  /** What a call has set on this node while it runs, in the shape of arguments. */
  readonly update?: unknown
  readonly overrides: unknown
  readonly env: Environment
  readonly dotEnv: Environment
  readonly file: unknown
}

export interface Values extends FoundValues {
  readonly problems: readonly ConfigProblem[]
}

export interface Resolution {
  readonly profile: Profile
  readonly readFile: ReadFile
  /** The values of a node that runs. Those that change only at start are taken from here. */
  readonly running?: FoundValues
}

interface Found {
  readonly origin: Origin
  readonly input: unknown
}

/** Goes through the table twice, because a default may depend on settings that stand anywhere in it. */
export function resolve(layers: Layers, { profile, readFile, running }: Resolution): Values {
  const values = new Map<string, unknown>()
  const origins = new Map<string, Origin>()
  const problems: ConfigProblem[] = []
  const ofProfile: Readonly<Record<string, unknown>> = { ...PROFILE_VALUES[profile], [PROFILE_ROW.name]: profile }
  const derived: SettingPlace[] = []
  for (const place of SETTING_PLACES) {
    const { name, check, changes, default: otherwise } = place.row
    if (running !== undefined && changes !== 'while running') {
      origins.set(name, running.origin(name))
      values.set(name, running.value(name))
      continue
    }
    const found = find(place, layers) ?? valueOfProfile(ofProfile, name)
    origins.set(name, found?.origin ?? 'default')
    if (found === undefined) {
      if (otherwise.kind === 'fixed') values.set(name, otherwise.value)
      else derived.push(place)
      continue
    }
    const value = check.parse(found.input, readFile)
    values.set(name, value)
    if (value === undefined) problems.push(notAllowed(place, found))
  }
  for (const { row } of derived)
    if (row.default.kind === 'derived')
      values.set(
        row.name,
        row.default.of((name) => values.get(name)),
      )
  return { value: (name) => values.get(name), origin: (name) => origins.get(name) ?? 'default', problems }
}

function find({ group, key, row }: SettingPlace, layers: Layers): Found | undefined {
  const control = member(layers.control, row.name)
  if (control !== undefined) return { origin: 'control', input: control }
  const update = member(member(layers.update, group), key)
  if (update !== undefined) return { origin: 'update', input: update }
  const argument = member(member(layers.overrides, group), key)
  if (argument !== undefined) return { origin: 'argument', input: argument }
  if (isSet(layers.env, row.name)) return { origin: 'environment', input: layers.env[row.name] }
  if (isSet(layers.dotEnv, row.name)) return { origin: '.env', input: layers.dotEnv[row.name] }
  const inFile = member(member(layers.file, group), key)
  return inFile === undefined ? undefined : { origin: 'file', input: inFile }
}

const PROFILE_ROW: Setting<Profile> = SETTINGS.node.profile

/** A profile that is not allowed is reported with the other values; until then the fallback counts. */
export function profileOf(layers: Layers, fallback: Profile): Profile {
  const found = find({ group: 'node', key: 'profile', row: PROFILE_ROW }, layers)
  return (found && PROFILE_ROW.check.parse(found.input, readText)) ?? fallback
}

function valueOfProfile(values: Readonly<Record<string, unknown>>, name: string): Found | undefined {
  const input = values[name]
  if (input === undefined) return undefined
  return { origin: name === PROFILE_ROW.name ? 'default' : 'profile', input }
}

const BY_PATH: ReadonlySet<Origin> = new Set(['file', 'argument', 'update'])

/** The name of a setting as it is written where the value came from. */
export function nameAt({ group, key, row }: SettingPlace, origin: Origin): string {
  return BY_PATH.has(origin) ? `${group}.${key}` : row.name
}

function notAllowed(place: SettingPlace, { origin, input }: Found): ConfigProblem {
  const { row } = place
  return { setting: nameAt(place, origin), origin, received: shown(row, input), allowed: row.check.allowed }
}

function shown(row: Setting<unknown>, input: unknown): string {
  if (row.secret !== undefined) return 'a value that is not shown, as it is a secret'
  return written(input)
}
