import { readFileSync } from 'node:fs'
import { isObject, shortened } from '../../schemas/json-value.ts'
import { nearest } from '../nearest.ts'
import { written } from './argument.ts'
import type { ReadFile } from './check.ts'
import type { ConfigProblem } from './problem.ts'
import { SETTING_PLACES, SETTINGS } from './settings.ts'

export const DEFAULT_FILE = 'forewarm.config.json'

/** The file's part that is no group of settings: how records are read, by topic. */
export const FORMATS = 'formats'

export type JsonObject = Readonly<Record<string, unknown>>

export interface SettingsFile {
  readonly content: JsonObject
  readonly problems: readonly ConfigProblem[]
}

/** Reads the file at `path`, which must exist; without a path, `forewarm.config.json` if there is one. */
export function readSettingsFile(path: string | undefined, readFile: ReadFile): SettingsFile {
  const name = path ?? DEFAULT_FILE
  const source = readFile(name)
  if (source === undefined)
    return { content: {}, problems: path === undefined ? [] : [broken(name, 'no file that can be read')] }
  try {
    const content: unknown = JSON.parse(source)
    if (!isObject(content)) return { content: {}, problems: [broken(name, 'JSON, but not an object')] }
    return { content, problems: unknownKeys(content, 'file') }
  } catch (error) {
    return { content: {}, problems: [broken(name, `no JSON: ${error instanceof Error ? error.message : error}`)] }
  }
}

function broken(name: string, received: string): ConfigProblem {
  return { setting: name, origin: 'file', received, allowed: 'a file that holds one JSON object' }
}

/** Finds groups and names that the table does not have. A start that stops is better than a setting without effect. */
export function unknownKeys(source: JsonObject, origin: 'file' | 'argument' | 'update'): readonly ConfigProblem[] {
  return Object.entries(source).flatMap(([group, rows]) => {
    if (group === FORMATS && origin === 'file') return []
    const known = member(SETTINGS, group)
    if (!isObject(known)) return [unknownKey(group, origin)]
    if (rows === undefined) return []
    if (!isObject(rows)) {
      const allowed = `an object with ${Object.keys(known).join(', ')}`
      return [{ setting: group, origin, received: written(rows), allowed }]
    }
    return Object.keys(rows)
      .filter((key) => !Object.hasOwn(known, key))
      .map((key) => unknownKey(`${group}.${key}`, origin))
  })
}

/** A setting in the wrong group, or under its name in the environment, is as likely a slip as a misspelt name. */
function unknownKey(path: string, origin: 'file' | 'argument' | 'update'): ConfigProblem {
  const last = path.slice(path.indexOf('.') + 1)
  const place = SETTING_PLACES.find(({ key, row }) => row.name === last || key === last)
  const known = path.includes('.')
    ? SETTING_PLACES.map(({ group, key }) => `${group}.${key}`)
    : [...Object.keys(SETTINGS), ...(origin === 'file' ? [FORMATS] : [])]
  const meant = place === undefined ? nearest(path, known) : `${place.group}.${place.key}`
  const allowed = meant === undefined ? `one of ${known.join(', ')}` : `did you mean ${meant}?`
  return { setting: shortened(path), origin, received: 'an unknown key', allowed }
}

export function member(source: unknown, key: string): unknown {
  return isObject(source) && Object.hasOwn(source, key) ? source[key] : undefined
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
