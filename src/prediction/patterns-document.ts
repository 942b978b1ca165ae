import { isObject, shown } from '../../schemas/json-value.ts'
import { KEY_SEPARATOR, pairKey } from '../../schemas/topics.ts'
import { type AccessHistory, LAST_HOUR, WEEK_HOURS } from './access-history.ts'

/** Patterns as one JSON document: each pair's reads, hour by hour; hours without reads are left out. */
export interface PatternsDocument {
  readonly kind: 'forewarm-patterns'
  readonly version: 1
  /** The hours of the reads since 1970, UTC, both inclusive; 0 and −1 if there are none. */
  readonly firstHour: number
  readonly lastHour: number
  readonly pairs: readonly PairReads[]
}

/** The reads of one pair, hour by hour. */
export interface PairReads {
  readonly chain: string
  readonly pair: string
  readonly group?: string
  /** [hours after the first hour, reads], the earliest first. */
  readonly reads: readonly (readonly [hour: number, reads: number])[]
}

export interface PairNames {
  readonly chain: string
  readonly pair: string
  readonly group?: string | undefined
}

const VERSION = 1
const MOST_READS = 65_535
const NO_HOURS = { firstHour: 0, lastHour: -1 }

export function exportPatterns(history: AccessHistory, namesOf: (pairId: number) => PairNames): PatternsDocument {
  const { firstHour, lastHour } = hoursOf(history)
  const pairs = [...eachPair(history, namesOf, { firstHour, lastHour })]
  return { kind: 'forewarm-patterns', version: VERSION, firstHour, lastHour, pairs }
}

/** Pairs in one piece of text: less than a millisecond's work. */
const PAIRS_A_PIECE = 50

/**
 * The text that JSON.stringify makes of the document, in pieces; it may or may not have reads that come meanwhile.
 * With a service, it names whose patterns they are.
 */
export function* patternText(
  history: AccessHistory,
  namesOf: (pairId: number) => PairNames,
  service?: string,
): Iterable<string> {
  const { firstHour, lastHour } = hoursOf(history)
  const of = service === undefined ? '' : `"service":${JSON.stringify(service)},`
  yield `{"kind":"forewarm-patterns","version":${VERSION},${of}"firstHour":${firstHour},"lastHour":${lastHour},"pairs":[`
  let piece: string[] = []
  let separator = ''
  for (const pair of eachPair(history, namesOf, { firstHour, lastHour })) {
    piece.push(JSON.stringify(pair))
    if (piece.length < PAIRS_A_PIECE) continue
    yield separator + piece.join(',')
    separator = ','
    piece = []
  }
  yield `${piece.length > 0 ? separator : ''}${piece.join(',')}]}`
}

function hoursOf({ firstHour, lastHour }: AccessHistory): Pick<PatternsDocument, 'firstHour' | 'lastHour'> {
  return lastHour < 0 ? NO_HOURS : { firstHour, lastHour }
}

interface EachPairOptions {
  readonly firstHour: number
  readonly lastHour: number
  readonly pairIds?: Iterable<number>
}

/** Those of the pairs, or of all, that were read in these hours, both inclusive. */
export function* eachPair(
  history: AccessHistory,
  namesOf: (pairId: number) => PairNames,
  { firstHour, lastHour, pairIds = history.pairIds() }: EachPairOptions,
): Iterable<PairReads> {
  // A copy of the pairs: one that changes its place while the text is made is in it once all the same.
  for (const pairId of [...pairIds]) {
    const reads: [number, number][] = []
    for (let hour = firstHour; hour <= lastHour; hour++) {
      const count = history.in(pairId, hour)
      if (count > 0) reads.push([hour - firstHour, count])
    }
    const { chain, pair, group } = namesOf(pairId)
    if (reads.length > 0) yield { chain, pair, ...(isName(group) && { group }), reads }
  }
}

/** Whose patterns a saved document has, if it says so. Those of earlier releases do not. */
export function serviceOfPatterns(value: unknown): string | undefined {
  return isObject(value) && typeof value.service === 'string' ? value.service : undefined
}

export type ParsedPatterns =
  | { readonly ok: true; readonly document: PatternsDocument }
  | { readonly ok: false; readonly problem: string }

/** The document in what JSON.parse gave, or what is wrong. No hour may be after `hour`: no read would count until then. */
export function parsePatterns(value: unknown, hour = LAST_HOUR): ParsedPatterns {
  if (!isObject(value)) return unexpected('an object', value)
  if (value.kind !== 'forewarm-patterns') return unexpected('kind "forewarm-patterns"', value.kind)
  if (value.version !== VERSION) return unexpected(`version ${VERSION}`, value.version)
  const { firstHour, lastHour, pairs } = value
  if (!isHour(firstHour)) return unexpected('firstHour: whole hours since 1970', firstHour)
  const isOfNoHours = firstHour === NO_HOURS.firstHour && lastHour === NO_HOURS.lastHour
  if (!isOfNoHours && (!isHour(lastHour) || lastHour < firstHour || lastHour - firstHour >= WEEK_HOURS * 10))
    return unexpected('lastHour: whole hours since 1970, some weeks after firstHour at most', lastHour)
  if (lastHour > hour) return unexpected(`lastHour: hours that have begun, to ${hour}`, lastHour)
  if (!Array.isArray(pairs)) return unexpected('pairs: a list', pairs)
  const problem = problemOfPairs(pairs, lastHour - firstHour)
  if (problem !== undefined) return { ok: false, problem }
  return { ok: true, document: { kind: value.kind, version: VERSION, firstHour, lastHour, pairs } }
}

/** What an import needs besides the document and the history. */
export interface ImportOptions {
  /** Negative if there is no room. */
  readonly idOf: (names: PairNames) => number
  /** Called with the reads that the history did not have. */
  readonly onAdded?: ((pairId: number, hour: number, reads: number) => void) | undefined
}

/**
 * Adds the reads to a history, except those older than it keeps and those that it already has. Returns the number of
 * pairs for which there was no room.
 */
export function importPatterns(
  document: PatternsDocument,
  history: AccessHistory,
  { idOf, onAdded }: ImportOptions,
): number {
  let refusedPairs = 0
  const { firstHour, lastHour } = document
  const isKept = lastHour >= 0 && lastHour > history.lastHour - history.hours
  // It is known that nothing was read in first hours without reads, so they count as hours, too.
  if (isKept) history.advance(firstHour)
  // Advanced before any read is added, so that reads older than the kept hours take no place.
  if (isKept) history.advance(lastHour)
  for (const { reads, ...names } of document.pairs) {
    const pairId = idOf(names)
    if (pairId < 0 || !history.hasRoomFor(pairId)) refusedPairs++
    else
      for (const [hour, count] of reads) {
        const added = history.recordAtLeast(pairId, firstHour + hour, count)
        if (added > 0) onAdded?.(pairId, firstHour + hour, added)
      }
  }
  return refusedPairs
}

function problemOfPairs(pairs: readonly unknown[], lastHour: number): string | undefined {
  const before = new Set<string>()
  for (const [at, each] of pairs.entries()) {
    const problem = problemOf(each, lastHour)
    if (problem !== undefined) return `pairs[${at}]${problem}`
    const { chain, pair } = each as PairReads
    const key = pairKey(chain, pair)
    if (before.has(key)) return `pairs[${at}]: ${shown(pair)} of ${shown(chain)} is there twice`
    before.add(key)
  }
  return undefined
}

function problemOf(value: unknown, lastHour: number): string | undefined {
  if (!isObject(value)) return `: expected an object, got ${shown(value)}`
  for (const name of ['chain', 'pair'])
    if (!isName(value[name])) return `.${name}: expected a name, got ${shown(value[name])}`
  if (value.group !== undefined && !isName(value.group)) return `.group: expected a name, got ${shown(value.group)}`
  if (!Array.isArray(value.reads)) return `.reads: expected a list, got ${shown(value.reads)}`
  let next = 0
  for (const [at, each] of value.reads.entries()) {
    const [hour, reads] = Array.isArray(each) ? each : []
    if (!isWhole(hour, lastHour) || hour < next)
      return `.reads[${at}][0]: expected an hour from ${next} to ${lastHour}, got ${shown(hour)}`
    if (!isWhole(reads, MOST_READS))
      return `.reads[${at}][1]: expected reads from 0 to ${MOST_READS}, got ${shown(reads)}`
    next = hour + 1
  }
  return undefined
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes(KEY_SEPARATOR) && value.isWellFormed()
}

function unexpected(expected: string, received: unknown): ParsedPatterns {
  return { ok: false, problem: `expected ${expected}, got ${shown(received)}` }
}

function isHour(value: unknown): value is number {
  return isWhole(value, LAST_HOUR)
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}
