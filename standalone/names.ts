import { shown } from '../schemas/json-value.ts'
import { checkedName } from '../schemas/price-object.ts'
import { described } from '../src/config/argument.ts'
import { ForewarmError } from '../src/forewarm-error.ts'

/** The longest name that a message repeats whole. */
const SHOWN_CHARS = 200

/** A name in a message, whatever a caller has passed for it. */
export function nameShown(name: unknown): string {
  return typeof name === 'string' && name.length <= SHOWN_CHARS ? name : shown(name)
}

/** An error about what was passed for a pair, which may have any name, or none. */
export function wrongFor(pair: unknown, detail: string): ForewarmError {
  const name = nameShown(pair)
  return new ForewarmError('bad-value', `${name}: ${detail}`)
}

/** Throws a ForewarmError 'bad-value' for something that is no text. An impossible text is counted where it is asked for. */
export function assertName(call: string, pair: unknown): void {
  if (typeof pair !== 'string')
    throw new ForewarmError('bad-value', `${call}: expected the name of a pair, got ${described(pair)}`)
}

/** Throws a ForewarmError 'bad-value' for something that is no list: a text would be taken for a list of its letters. */
export function assertList(call: string, pairs: unknown): asserts pairs is readonly unknown[] {
  if (!Array.isArray(pairs))
    throw new ForewarmError('bad-value', `${call}: expected a list of pairs, got ${described(pairs)}`)
}

/** Throws a ForewarmError 'bad-value' unless it is a list of texts. */
export function assertNames(call: string, pairs: unknown): void {
  assertList(call, pairs)
  for (const pair of pairs) assertName(call, pair)
}

/** Throws a ForewarmError 'bad-value' for what can be the name of no pair, in the words of the caller. */
export function assertPossible(name: unknown, word: 'pair' | 'key'): void {
  const against = checkedName(name, 'pair')
  if (against !== undefined) throw new ForewarmError('bad-value', against.detail.replace(/^pair/, word))
}
