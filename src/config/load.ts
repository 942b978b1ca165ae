import { ForewarmError } from '../forewarm-error.ts'
import { type FormatRule, formatRules, type MadeRule } from '../formats/formats.ts'
import type { MappingFault } from '../formats/mapping/mapping-fault.ts'
import type { WarmSchedule } from '../schedules/schedule.ts'
import { isOwnStrategy } from '../strategy/own-strategy.ts'
import type { ReadFile } from './check.ts'
import { contradictions } from './contradictions.ts'
import { type Environment, NO_DOT_ENV, readDotEnv, reviewEnvironment } from './environment.ts'
import { type ConfigChanges, changeProblems } from './layers/changes.ts'
import { type Layers, profileOf, type Resolution, resolve, type Values } from './layers/layers.ts'
import { type ConfigProblem, describeProblems, type Origin } from './problem.ts'
import { findSchedules } from './schedules.ts'
import { printed } from './setting.ts'
import { type Config, type Overrides, type Profile, SETTING_PLACES } from './settings.ts'
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
  readonly schedules: readonly WarmSchedule[]
  /** Tells where a setting's value came from. `name` is its name in the environment. */
  origin(name: string): Origin
  /** The same with all changes that are made to a node that runs. None of those before are kept. */
  changed(changes: ConfigChanges): LoadedConfig | RefusedConfig
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
  const layers: Layers = { overrides, env: { ...sources.env }, dotEnv: {}, file: file.content }
  const profile = profileOf(layers, sources.profile ?? 'production')
  const dotEnv = profile === 'development' ? readDotEnv(readFile) : NO_DOT_ENV
  const all = { ...layers, dotEnv: dotEnv.variables }
  const values = resolve(all, { profile, readFile })

  const faults: MappingFault[] = []
  const formats = formatRules(member(file.content, FORMATS), faults, readFile)
  const config = frozenConfig(values)
  const { schedules, ...aboutSchedules } = findSchedules(config, values, readFile)
  const review = reviewEnvironment(sources.env, 'environment')
  const warnings = [...review.warnings, ...dotEnv.warnings, ...replacedStrategy(values), ...aboutSchedules.warnings]
  const problems = [
    ...unknownKeys(overrides, 'argument'),
    ...review.problems,
    ...dotEnv.problems,
    ...file.problems,
    ...values.problems,
    ...contradictions(values),
    ...(values.value('SCHEMA_REGISTRY_URL') === undefined ? formats.flatMap(withoutRegistry) : []),
    ...aboutSchedules.problems,
    ...faults.map((fault): ConfigProblem => ({ ...fault, origin: 'file' })),
  ]
  if (problems.length > 0) return { status: 'refused', problems, warnings }
  const atStart: Omit<LoadedConfig, 'changed'> = {
    ...{ status: 'loaded', config, warnings, formats, schedules, origin: values.origin },
  }
  return {
    ...atStart,
    changed: (changes) => changed(atStart, changes, { layers: all, profile, readFile, running: values }),
  }
}

/** The layers of a node that runs, and how they were resolved at its start. */
interface Running extends Required<Resolution> {
  readonly layers: Layers
}

function changed(
  atStart: Omit<LoadedConfig, 'changed'>,
  changes: ConfigChanges,
  running: Running,
): LoadedConfig | RefusedConfig {
  const values = resolve({ ...running.layers, ...changes }, running)
  const problems = [...changeProblems(changes), ...values.problems, ...contradictions(values)]
  if (problems.length > 0) return { status: 'refused', problems, warnings: [] }
  const again = (others: ConfigChanges) => changed(atStart, others, running)
  return {
    ...atStart,
    config: frozenConfig(values),
    warnings: replacedStrategy(values),
    origin: values.origin,
    changed: again,
  }
}

function replacedStrategy({ value }: Values): readonly string[] {
  if (value('FEATURE_ADAPTIVE_STRATEGY_ENABLED') !== false) return []
  return ['WARMING_STRATEGY', 'WARMING_STRATEGY_B']
    .filter((name) => isAdaptive(value(name)))
    .map((name) => `${name} is adaptive, but FEATURE_ADAPTIVE_STRATEGY_ENABLED is false: the strategy is top-n`)
}

function isAdaptive(strategy: unknown): boolean {
  return (isOwnStrategy(strategy) ? strategy.name : strategy) === 'adaptive'
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
  return frozenConfig(
    resolve({ overrides: {}, env: {}, dotEnv: {}, file: {} }, { profile: 'production', readFile: readText }),
  )
}

/** A setting as it is shown. A secret is masked. */
export interface ShownSetting {
  readonly name: string
  readonly value: string
  readonly origin: Origin
}

export function describeConfig({ config, origin }: LoadedConfig): readonly ShownSetting[] {
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
