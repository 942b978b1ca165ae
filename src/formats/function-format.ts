import { isObject, shown, shownError } from '../../schemas/json-value.ts'
import { namesOf, updatesOf } from '../../schemas/price-object.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { refused } from '../../schemas/refusal.ts'
import { ForewarmError } from '../forewarm-error.ts'
import type { KafkaRecord } from '../kafka-record.ts'
import { type Enter, entering } from '../marked.ts'
import { type Decoded, type Format, SKIPPED } from './format.ts'
import { type FormatRule, faultOf, formatRules, type MadeRule } from './formats.ts'
import type { MappingFault } from './mapping/mapping-fault.ts'

/** A pair that is delisted, as a format's function says it. */
export interface Delisting {
  readonly delete: string
  readonly chain: string
}

/** What a function makes of a record: an update, several, or that there is none in it. */
export type FormatFunction = (record: KafkaRecord) => PriceUpdate | readonly PriceUpdate[] | Delisting | 'skip'

/** A mapping as the settings file has it (docs/formats.md), or the name of a preset. */
export type FormatMapping = string | Readonly<Record<string, unknown>>

/**
 * Reads the records of a topic, or of all topics whose names match, by a function or by a mapping. What they make of a
 * record passes the checks of our own format; what a function throws refuses the record with the reason `format-failed`.
 * It must not keep the record's bytes. Throws a ForewarmError 'bad-config' that names every fault of a mapping.
 */
export function format(topics: string | RegExp, read: FormatFunction | FormatMapping): FormatRule {
  const name = typeof topics === 'string' ? topics : `/${topics.source}/`
  const against = typeof topics !== 'string' && /[imsv]/.test(topics.flags) ? 'a pattern without flags' : faultOf(name)
  if (against !== undefined) throw new ForewarmError('bad-config', `format: got ${topics}; allowed: ${against}`)
  if (typeof read !== 'function') return mappedRule(name, read)
  const rule: MadeRule = { topics: name, make: () => new FunctionFormat(name, read) }
  return rule
}

function mappedRule(name: string, mapping: FormatMapping): FormatRule {
  const faults: MappingFault[] = []
  const [rule] = formatRules({ [name]: mapping }, faults)
  if (rule !== undefined) return rule
  const words = faults.map(({ setting, received, allowed }) => `${setting}: got ${received}; allowed: ${allowed}`)
  throw new ForewarmError('bad-config', words.join('\n'))
}

class FunctionFormat implements Format {
  readonly name: string
  readonly #read: FormatFunction
  /** What the function starts is the user's, too. */
  readonly #enter: Enter

  constructor(name: string, read: FormatFunction) {
    this.name = name
    this.#read = read
    this.#enter = entering({ name: `format ${name}`, owner: undefined })
  }

  decode(record: KafkaRecord): Decoded {
    try {
      return this.#checked(this.#enter(this.#read, record))
    } catch (error) {
      return refused('format-failed', `the format ${this.name} threw ${shownError(error)}`)
    }
  }

  /** What the function gave may run code of its own when it is looked at, and throw as the function may. */
  #checked(said: unknown): Decoded {
    if (said === 'skip') return SKIPPED
    if (isObject(said) && 'delete' in said) {
      const names = namesOf({ pair: said.delete, chain: said.chain })
      return 'ok' in names ? names : { ok: true, updates: [], deleted: [names], skipped: 0, rounded: 0 }
    }
    if (said instanceof Promise) {
      // Whatever becomes of it, it is awaited by nobody.
      said.catch(() => undefined)
      return refused('format-failed', `the format ${this.name} gave a promise; records are read at once`)
    }
    if (typeof said !== 'object' || said === null)
      return refused(
        'format-failed',
        `the format ${this.name}: expected an update, a list or 'skip', got ${shown(said)}`,
      )
    const checked = updatesOf(said, { hasExtra: true })
    if (!checked.ok) return checked
    return { ok: true, updates: checked.updates, deleted: [], skipped: 0, rounded: checked.rounded ?? 0 }
  }
}
