import { isObject, shown } from '../../schemas/json-value.ts'
import { ForewarmError } from '../forewarm-error.ts'
import { nearest } from '../nearest.ts'
import type { Format } from './format.ts'
import { JsonFormat } from './json-format.ts'
import { checkedMapping } from './mapping/check-mapping.ts'
import type { MappingFault } from './mapping/mapping-fault.ts'
import { PRESETS } from './presets/presets.ts'
import type { TopicGroups } from './scope.ts'

/** A format for the topics that it names, made by `format`. */
export interface FormatRule {
  /** As it is written: a topic, or a pattern between slashes. */
  readonly topics: string
}

export interface MadeRule extends FormatRule {
  make(topic: string, groups: TopicGroups): Format
}

const PATTERN = /^\/(.*)\/$/s
const GROUP_NAME = /\(\?<([A-Za-z_$][\w$]*)>/g

/** The rules in the settings file, in its order. Every fault becomes a problem with its place in the file. */
export function formatRules(raw: unknown, problems: MappingFault[]): readonly MadeRule[] {
  if (raw === undefined) return []
  if (!isObject(raw)) {
    problems.push({ setting: 'formats', received: JSON.stringify(raw), allowed: 'an object, by topic' })
    return []
  }
  return Object.entries(raw).flatMap(([topics, mapping]) => {
    const at = `formats["${topics}"]`
    const against = problemOf(topics)
    if (against !== undefined) problems.push({ setting: at, received: topics, allowed: against })
    const groups = [...topics.matchAll(GROUP_NAME)].map(([, name]) => name as string)
    const preset = typeof mapping === 'string' ? PRESETS[mapping] : undefined
    if (typeof mapping === 'string' && preset === undefined) {
      problems.push({ setting: at, received: JSON.stringify(mapping), allowed: presetsAllowed(mapping) })
      return []
    }
    const checked = checkedMapping(preset?.mapping ?? mapping, at, problems, groups)
    if (checked === undefined || against !== undefined) return []
    return [
      {
        topics,
        make: (topic: string, found: TopicGroups) => new JsonFormat(topics, checked, { topic, groups: found }),
      },
    ]
  })
}

function presetsAllowed(name: string): string {
  const names = Object.keys(PRESETS)
  const meant = nearest(name, names)
  return meant === undefined ? `an object, or one of ${names.join(', ')}` : `did you mean ${meant}?`
}

function problemOf(topics: string): string | undefined {
  if (topics === '') return 'the name of a topic, or a pattern between slashes'
  const pattern = PATTERN.exec(topics)?.[1]
  if (pattern === undefined) return undefined
  try {
    new RegExp(pattern, 'u')
    return undefined
  } catch (error) {
    return `a regular expression between slashes: ${error instanceof Error ? error.message : error}`
  }
}

/** Which format each topic has. */
export class Formats {
  readonly #rules: readonly (MadeRule & { readonly pattern: RegExp | undefined })[]
  /** As many as the topics that a node has. */
  readonly #ofTopic = new Map<string, Format | undefined>()

  constructor(rules: readonly FormatRule[] = []) {
    this.#rules = rules.map((rule) => {
      if (!isFormatRule(rule))
        throw new ForewarmError('bad-value', `formats: expected what format() gives, got ${shown(rule)}`)
      const pattern = PATTERN.exec(rule.topics)?.[1]
      return { ...rule, make: rule.make, pattern: pattern === undefined ? undefined : new RegExp(pattern, 'u') }
    })
  }

  /** The format of the first rule that names the topic; undefined: our own. */
  of(topic: string): Format | undefined {
    if (!this.#ofTopic.has(topic)) this.#ofTopic.set(topic, this.#make(topic))
    return this.#ofTopic.get(topic)
  }

  #make(topic: string): Format | undefined {
    for (const { topics, pattern, make } of this.#rules) {
      if (pattern === undefined ? topics !== topic : !pattern.test(topic)) continue
      return make(topic, pattern?.exec(topic)?.groups ?? {})
    }
    return undefined
  }
}

/** Whether it is what `format` makes. */
export function isFormatRule(value: unknown): value is MadeRule {
  return isObject(value) && typeof value.topics === 'string' && typeof value.make === 'function'
}
