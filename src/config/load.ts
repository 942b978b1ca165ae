import { ForewarmError } from '../forewarm-error.ts'
import { type FormatRule, formatRules, type MadeRule } from '../formats/formats.ts'
import type { MappingFault } from '../formats/mapping/mapping-fault.ts'
import type { ReadFile } from './check.ts'
import { contradictions, type FoundValues } from './contradictions.ts'
import { type Environment, isSet, NO_DOT_ENV, readDotEnv, reviewEnvironment } from './environment.ts'
import { type ConfigProblem, describeProblems, type Origin } from './problem.ts'
import { printed, type Setting } from './setting.ts'
import {
  type Config,
  type Overrides,
  PROFILE_VALUES,
  type Profile,
  SETTING_PLACES,
  SETTINGS,
  type SettingPlace,
} from './settings.ts'
import { FORMATS, member, readSettingsFile, readText, unknownKeys } from './settings-file.ts'

export interface ConfigSources {
  /** Win over everything else. */
  readonly overrides?: Overrides | undefined
  readonly env: Environment
  /** Must exist if it is named here. Otherwise `forewarm.config.json` is read if there is one. */
  readonly file?: string | undefined
  /** The profile if neither argument, environment nor file names one. */
  readonly profile?: Profile | undefined
  readonly readFile?: ReadFile
}

export interface LoadedConfig {
  readonly status: 'loaded'
  readonly config: Config
  readonly warnings: readonly string[]
  /** How the file says that the records of topics are read. */
  readonly formats: readonly FormatRule[]
  /** Tells where a setting's value came from. `name` is its name in the environment. */
  origin(name: string): Origin
}

export interface RefusedConfig {
  readonly status: 'refused'
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly string[]
}

/** Reads every source once and checks everything. All problems are returned together. */
export function loadConfig(sources: ConfigSources): LoadedConfig | RefusedConfig {
  const readFile = sources.readFile ?? readText
  const overrides = sources.overrides ?? {}
  const file = readSettingsFile(sources.file, readFile)
  const layers: Layers = { overrides, env: sources.env, dotEnv: {}, file: file.content }
  const profile = profileOf(layers, sources.profile ?? 'production')
  const dotEnv = profile === 'development' ? readDotEnv(readFile) : NO_DOT_ENV
  const values = resolve({ ...layers, dotEnv: dotEnv.variables }, profile, readFile)

  const faults: MappingFault[] = []
  const formats = formatRules(member(file.content, FORMATS), faults, readFile)
  const review = reviewEnvironment(sources.env, 'environment')
  const warnings = [...review.warnings, ...dotEnv.warnings]
  const problems = [
    ...unknownKeys(overrides, 'argument'),
    ...review.problems,
    ...dotEnv.problems,
    ...file.problems,
    ...values.problems,
    ...contradictions(values),
    ...(values.value('SCHEMA_REGISTRY_URL') === undefined ? formats.flatMap(withoutRegistry) : []),
    ...faults.map((fault): ConfigProblem => ({ ...fault, origin: 'file' })),
  ]
  if (problems.length > 0) return { status: 'refused', problems, warnings }
  return { status: 'loaded', config: frozenConfig(values), warnings, formats, origin: values.origin }
}

function withoutRegistry({ topics, needsRegistry }: MadeRule): readonly ConfigProblem[] {
  if (needsRegistry !== true) return []
  const allowed = 'the path of a file, as SCHEMA_REGISTRY_URL is not set'
  return [{ setting: `formats["${topics}"].schema`, origin: 'file', received: '"registry"', allowed }]
}

/** As `loadConfig`. Throws a ForewarmError 'bad-config' that names every problem. */
export function acceptedConfig(sources: ConfigSources): LoadedConfig {
  const loaded = loadConfig(sources)
  if (loaded.status === 'loaded') return loaded
  throw new ForewarmError('bad-config', describeProblems(loaded.problems))
}

/** The configuration of a node that was given nothing. */
export function defaultConfig(): Config {
  return frozenConfig(resolve({ overrides: {}, env: {}, dotEnv: {}, file: {} }, 'production', readText))
}

/** Name, printable value and origin of every setting. Secrets are masked. */
export function describeConfig({ config, origin }: LoadedConfig): readonly {
  readonly name: string
  readonly value: string
  readonly origin: Origin
}[] {
  return SETTING_PLACES.map(({ group, key, row }) => ({
    name: row.name,
    value: printed(row, member(member(config, group), key)),
    origin: origin(row.name),
  }))
}

/** The secrets themselves, so that the log can mask them in any text. */
export function secretsOf(config: Config): readonly string[] {
  return SETTING_PLACES.flatMap(({ group, key, row }) => {
    const value = row.secret === undefined ? undefined : member(member(config, group), key)
    if (value === undefined) return []
    if (row.secret === 'all') return [String(value)]
    const urls: readonly unknown[] = Array.isArray(value) ? value : [value]
    return urls.map((url) => new URL(String(url)).password).filter((password) => password !== '')
  })
}

interface Layers {
  readonly overrides: unknown
  readonly env: Environment
  readonly dotEnv: Environment
  readonly file: unknown
}

interface Found {
  readonly origin: Origin
  readonly input: unknown
}

function find({ group, key, row }: SettingPlace, layers: Layers): Found | undefined {
  const argument = member(member(layers.overrides, group), key)
  if (argument !== undefined) return { origin: 'argument', input: argument }
  if (isSet(layers.env, row.name)) return { origin: 'environment', input: layers.env[row.name] }
  if (isSet(layers.dotEnv, row.name)) return { origin: '.env', input: layers.dotEnv[row.name] }
  const inFile = member(member(layers.file, group), key)
  return inFile === undefined ? undefined : { origin: 'file', input: inFile }
}

const PROFILE_ROW: Setting<Profile> = SETTINGS.node.profile

/** A profile that is not allowed is reported with the other values; until then the fallback counts. */
function profileOf(layers: Layers, fallback: Profile): Profile {
  const found = find({ group: 'node', key: 'profile', row: PROFILE_ROW }, layers)
  return (found && PROFILE_ROW.check.parse(found.input, readText)) ?? fallback
}

interface Values extends FoundValues {
  readonly problems: readonly ConfigProblem[]
}

/** Goes in the table's order, because a default may depend on a setting above it. */
function resolve(layers: Layers, profile: Profile, readFile: ReadFile): Values {
  const values = new Map<string, unknown>()
  const origins = new Map<string, Origin>()
  const problems: ConfigProblem[] = []
  const ofProfile: Readonly<Record<string, unknown>> = { ...PROFILE_VALUES[profile], [PROFILE_ROW.name]: profile }
  for (const place of SETTING_PLACES) {
    const { row } = place
    const found = find(place, layers) ?? valueOfProfile(ofProfile, row)
    origins.set(row.name, found?.origin ?? 'default')
    if (found === undefined) {
      const { default: otherwise } = row
      values.set(row.name, otherwise.kind === 'fixed' ? otherwise.value : otherwise.of((name) => values.get(name)))
      continue
    }
    const value = row.check.parse(found.input, readFile)
    values.set(row.name, value)
    if (value === undefined) problems.push(notAllowed(place, found))
  }
  return { value: (name) => values.get(name), origin: (name) => origins.get(name) ?? 'default', problems }
}

function valueOfProfile(values: Readonly<Record<string, unknown>>, row: Setting<unknown>): Found | undefined {
  const input = values[row.name]
  if (input === undefined) return undefined
  return { origin: row.name === PROFILE_ROW.name ? 'default' : 'profile', input }
}

function notAllowed({ group, key, row }: SettingPlace, { origin, input }: Found): ConfigProblem {
  const setting = origin === 'file' || origin === 'argument' ? `${group}.${key}` : row.name
  return { setting, origin, received: shown(row, input), allowed: row.check.allowed }
}

const LONGEST_SHOWN = 80

function shown(row: Setting<unknown>, input: unknown): string {
  if (row.secret !== undefined) return 'a value that is not shown, as it is a secret'
  const words = input instanceof RegExp ? String(input) : (JSON.stringify(input) ?? typeof input)
  return words.length > LONGEST_SHOWN ? `${words.slice(0, LONGEST_SHOWN)}…` : words
}

/** Each value has passed the check of its row, so the object has the shape that Config derives from the table. */
function frozenConfig(values: Values): Config {
  const groups: Record<string, Record<string, unknown>> = {}
  for (const { group, key, row } of SETTING_PLACES) {
    const value = values.value(row.name)
    groups[group] ??= {}
    groups[group][key] = Array.isArray(value) ? Object.freeze([...value]) : value
  }
  for (const group of Object.values(groups)) Object.freeze(group)
  return Object.freeze(groups) as unknown as Config
}
