import { readFileSync } from 'node:fs'
import { isObject, shown } from '../../schemas/json-value.ts'
import { ForewarmError } from '../forewarm-error.ts'
import type { KafkaRecord } from '../kafka-record.ts'
import { nearest } from '../nearest.ts'
import { inTime } from '../timer.ts'
import { avroReaders, isAvroFile } from './avro/readers.ts'
import type { Format } from './format.ts'
import { JsonFormat } from './json-format.ts'
import { checkedMapping } from './mapping/check-mapping.ts'
import { type Mapping, OWN_TYPE } from './mapping/mapping.ts'
import type { MappingFault } from './mapping/mapping-fault.ts'
import { MappingReader } from './mapping/mapping-reader.ts'
import { PRESETS } from './presets/presets.ts'
import { protobufReaders } from './protobuf/readers.ts'
import { NO_SCHEMAS, type SchemaSource } from './registry/schema-source.ts'
import { SchemaFormat } from './schema-format.ts'
import type { TopicGroups } from './scope.ts'

/** A format for the topics that it names, made by `format`. */
export interface FormatRule {
  /** As it is written: a topic, or a pattern between slashes. */
  readonly topics: string
}

export interface MadeRule extends FormatRule {
  /** Its schemas are in a registry. */
  readonly needsRegistry?: boolean
  /** `schemas`: those of the registry, if there is one. Undefined: our own format. */
  make(topic: string, groups: TopicGroups, schemas: SchemaSource): Format | undefined
}

const PATTERN = /^\/(.*)\/$/s

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * The rules in the settings file, in its order. Every fault becomes a problem with its place in the file. `readFile` gives
 * the text of a schema's file.
 */
export function formatRules(raw: unknown, problems: MappingFault[], readFile = readText): readonly MadeRule[] {
  if (raw === undefined) return []
  if (!isObject(raw)) {
    problems.push({ setting: 'formats', received: JSON.stringify(raw), allowed: 'an object, by topic' })
    return []
  }
  return Object.entries(raw).flatMap(([topics, mapping]) => {
    const at = `formats["${topics}"]`
    const against = faultOf(topics)
    if (against !== undefined) problems.push({ setting: at, received: topics, allowed: against })
    const groups = against === undefined ? groupsOf(topics) : []
    const preset = typeof mapping === 'string' ? PRESETS[mapping] : undefined
    if (typeof mapping === 'string' && preset === undefined) {
      problems.push({ setting: at, received: JSON.stringify(mapping), allowed: presetsAllowed(mapping) })
      return []
    }
    const reader = new MappingReader({ problems, groups, readFile })
    if (isObject(mapping) && mapping.type === OWN_TYPE) {
      reader.unknownKeys(mapping, at, ['type'])
      return against === undefined ? [{ topics, make: () => undefined }] : []
    }
    const checked = checkedMapping(preset?.mapping ?? mapping, at, reader)
    const rule = checked && ruleOf(topics, checked, { at, reader })
    return rule === undefined || against !== undefined ? [] : [rule]
  })
}

/** Undefined if the schema of a file does not have what the mapping asks for. */
function ruleOf(
  topics: string,
  mapping: Mapping,
  { at, reader }: { readonly at: string; readonly reader: MappingReader },
): MadeRule | undefined {
  const { schema, type } = mapping
  const protobuf = type === 'protobuf' ? protobufReaders(mapping, at, reader) : undefined
  if (type === 'protobuf' && protobuf === undefined) return undefined
  if (type === 'avro' && !isAvroFile(mapping, at, reader)) return undefined
  return {
    topics,
    needsRegistry: schema?.from === 'registry',
    make: (topic, groups, schemas) => {
      const on = { topic, groups }
      if (schema === undefined) return new JsonFormat(topics, mapping, on)
      const readers = protobuf?.(on) ?? avroReaders(mapping, on)
      return new SchemaFormat(topics, mapping, { ...on, schemas, readers })
    },
  }
}

function presetsAllowed(name: string): string {
  const names = Object.keys(PRESETS)
  const meant = nearest(name, names)
  return meant === undefined ? `an object, or one of ${names.join(', ')}` : `did you mean ${meant}?`
}

/** What is wrong with the name or the pattern of a rule, if something is. */
export function faultOf(topics: string): string | undefined {
  if (topics === '') return 'the name of a topic, or a pattern between slashes'
  const pattern = PATTERN.exec(topics)?.[1]
  // No topic's name has a slash.
  if (pattern === undefined)
    return topics.includes('/') ? 'a topic, or a pattern between slashes and no flags' : undefined
  try {
    new RegExp(pattern, 'u')
    return undefined
  } catch (error) {
    return `a regular expression between slashes: ${error instanceof Error ? error.message : error}`
  }
}

/** The names of the groups in a pattern. With an empty alternative it matches any text, and tells them. */
function groupsOf(topics: string): readonly string[] {
  const pattern = PATTERN.exec(topics)?.[1]
  return pattern === undefined ? [] : Object.keys(new RegExp(`${pattern}|`, 'u').exec('')?.groups ?? {})
}

/** The same rules, for whoever has no registry at hand: they take schemas from this one. */
export function boundTo(schemas: SchemaSource | undefined, rules: readonly FormatRule[]): readonly FormatRule[] {
  return rules.map((rule) => {
    if (!isFormatRule(rule) || schemas === undefined) return rule
    const made: MadeRule = { topics: rule.topics, make: (topic, groups) => rule.make(topic, groups, schemas) }
    return made
  })
}

/** A registry that a command waits for has so long to answer. */
const REGISTRY_AWAY_MS = 10_000
const ASK_EVERY_MS = 100

/** Which format each topic has. */
export class Formats {
  readonly #rules: readonly (MadeRule & { readonly pattern: RegExp | undefined })[]
  /** As many as the topics that a node has. */
  readonly #ofTopic = new Map<string, Format | undefined>()
  /** Those of the registry, if there is one. */
  readonly schemas: SchemaSource | undefined

  /** Throws a ForewarmError 'bad-config' if a rule needs a registry and there is none. */
  constructor(rules: readonly FormatRule[] = [], schemas?: SchemaSource) {
    this.schemas = schemas
    this.#rules = rules.map((rule) => {
      if (!isFormatRule(rule))
        throw new ForewarmError('bad-value', `formats: expected what format() gives, got ${shown(rule)}`)
      if (rule.needsRegistry === true && schemas === undefined)
        throw new ForewarmError('bad-config', `formats["${rule.topics}"].schema: registry needs SCHEMA_REGISTRY_URL`)
      const pattern = PATTERN.exec(rule.topics)?.[1]
      return { ...rule, make: rule.make, pattern: pattern === undefined ? undefined : new RegExp(pattern, 'u') }
    })
  }

  /** The topics that rules name one by one, not by a pattern. */
  get named(): readonly string[] {
    return this.#rules.flatMap(({ topics, pattern }) => (pattern === undefined ? [topics] : []))
  }

  /** The format of the first rule that names the topic; undefined: our own. */
  of(topic: string): Format | undefined {
    if (!this.#ofTopic.has(topic)) this.#ofTopic.set(topic, this.#make(topic))
    return this.#ofTopic.get(topic)
  }

  /**
   * Resolves to true when the records can be decoded, to false once the signal is aborted. Rejects with a ForewarmError
   * 'registry-unreachable' if a schema cannot be had for so long.
   */
  async ready(records: readonly KafkaRecord[], signal: AbortSignal, awayMs = REGISTRY_AWAY_MS): Promise<boolean> {
    for (const record of records) {
      const format = this.of(record.topic)
      const sinceMs = performance.now()
      for (let held = format?.held?.(record); held !== undefined; held = format?.held?.(record)) {
        if (signal.aborted) return false
        if (performance.now() - sinceMs > awayMs)
          throw new ForewarmError('registry-unreachable', `the schema registry: ${held.reason}`, { retriable: true })
        await inTime(held.settled ?? new Promise<void>(() => undefined), undefined, { delayMs: ASK_EVERY_MS })
      }
    }
    return !signal.aborted
  }

  #make(topic: string): Format | undefined {
    for (const { topics, pattern, make } of this.#rules) {
      if (pattern === undefined ? topics !== topic : !pattern.test(topic)) continue
      return make(topic, pattern?.exec(topic)?.groups ?? {}, this.schemas ?? NO_SCHEMAS)
    }
    return undefined
  }
}

/** Whether it is what `format` makes. */
export function isFormatRule(value: unknown): value is MadeRule {
  return isObject(value) && typeof value.topics === 'string' && typeof value.make === 'function'
}
