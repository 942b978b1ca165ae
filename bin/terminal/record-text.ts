import {
  type LeaderName,
  type LeaderRecord,
  leaderOfKey,
  parseLeader,
} from '../../schemas/correlations/leader-record.ts'
import type { NamedPair } from '../../schemas/price-object.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { KEY_SEPARATOR } from '../../schemas/topics.ts'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import { parseWarmResult, type WarmResult } from '../../schemas/warm-result.ts'
import { type LetterOrigin, letterOrigin } from '../../src/broker/dead-letter.ts'
import { partitionName } from '../../src/broker/partition-name.ts'
import type { Format } from '../../src/formats/format.ts'
import type { Formats } from '../../src/formats/formats.ts'
import { type Content, contentOf } from '../../src/replay/content.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { duration } from './progress-line.ts'

type Shown =
  | Content
  | { readonly kind: 'warm-result'; readonly result: WarmResult }
  | { readonly kind: 'learned'; readonly service: string; readonly leader: LeaderName; readonly learned: LeaderRecord }
  /** What was learned of the pair is deleted. */
  | { readonly kind: 'forgotten'; readonly service: string; readonly leader: LeaderName }
  | { readonly kind: 'dead-letter'; readonly letter: LetterOrigin }
  | { readonly kind: 'delistings'; readonly pairs: readonly NamedPair[] }
  /** It says nothing of prices, by the rules of its topic's format. */
  | { readonly kind: 'skipped' }

function shownOf(record: ReplayRecord, formats?: Formats): Shown {
  const letter = letterOrigin(record.headers)
  if (letter !== undefined) return { kind: 'dead-letter', letter }
  const format = formats?.of(record.topic)
  if (format !== undefined) return foreignOf(format, record)
  const content = contentOf(record)
  if (content.kind !== 'other') return content
  const result = record.value && parseWarmResult(record.value)
  if (result?.ok) return { kind: 'warm-result', result: result.value }
  const [service = ''] = record.key?.toString('utf8').split(KEY_SEPARATOR) ?? []
  const leader = leaderOfKey(record.key, service)
  if ('ok' in leader) return content
  if (record.value === undefined) return { kind: 'forgotten', service, leader }
  const learned = parseLeader(record.value)
  return learned.ok ? { kind: 'learned', service, leader, learned: learned.value } : content
}

function foreignOf(format: Format, record: ReplayRecord): Shown {
  const said = format.decode(record)
  if (!said.ok) return { kind: 'other', reason: said.reason }
  if (said.deleted.length > 0) return { kind: 'delistings', pairs: said.deleted }
  return said.updates.length > 0 ? { kind: 'prices', updates: said.updates } : { kind: 'skipped' }
}

/** A record with its content, for programs. Content that cannot be read is given as text. */
export function decoded(record: ReplayRecord, formats?: Formats): object {
  const { topic, partition, offset, timestampMs, key, value, headers } = record
  const shown = shownOf(record, formats)
  return {
    topic,
    partition,
    offset,
    timestampMs,
    key: key?.toString('utf8'),
    ...(headers.length > 0 && { headers: headers.map(([name, bytes]) => [name, bytes.toString('utf8')]) }),
    ...shown,
    ...((shown.kind === 'other' || shown.kind === 'dead-letter') && { value: value?.toString('utf8') ?? null }),
  }
}

const LONGEST_TEXT = 200
const LATEST_DATE_MS = 8.64e15

/** A record for people: one line, or one for each price update in it. */
export function recordText(record: ReplayRecord, formats?: Formats): readonly string[] {
  return linesOf(record, formats).map(forTerminal)
}

/** A name may have control characters, with which a terminal would do more than show it. */
function forTerminal(line: string): string {
  return line.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function linesOf(record: ReplayRecord, formats?: Formats): readonly string[] {
  const shown = shownOf(record, formats)
  const at = time(record.timestampMs)
  switch (shown.kind) {
    case 'prices':
      return shown.updates.map((update) => [time(update.eventTimeMs), ...priceWords(update)].join('  '))
    case 'delisted':
      return [[at, shown.chain, shown.pair, 'delisted'].join('  ')]
    case 'delistings':
      return shown.pairs.map(({ chain, pair }) => [at, chain, pair, 'delisted'].join('  '))
    case 'skipped':
      return [[at, placeOf(record), 'skipped', textOf(record)].join('  ')]
    case 'warm-request':
      return [[at, ...requestWords(shown.request)].join('  ')]
    case 'warm-result':
      return [[at, ...resultWords(shown.result)].join('  ')]
    case 'learned':
      return [[at, ...learnedWords(shown.leader, shown.learned), ...serviceWords(shown)].join('  ')]
    case 'forgotten':
      return [[at, shown.leader.chain, shown.leader.pair, 'forgotten', ...serviceWords(shown)].join('  ')]
    case 'dead-letter':
      return [[at, ...letterWords(shown.letter), textOf(record)].join('  ')]
    case 'other':
      return [[at, placeOf(record), `unreadable: ${shown.reason}`, textOf(record)].join('  ')]
  }
}

function placeOf(record: Pick<ReplayRecord, 'topic' | 'partition' | 'offset'>): string {
  return `${partitionName(record)} offset ${record.offset}`
}

/** The beginning of the value, in quotes. */
function textOf({ value }: ReplayRecord): string {
  return JSON.stringify(value?.toString('utf8').slice(0, LONGEST_TEXT) ?? '(no value)')
}

function letterWords(letter: LetterOrigin): readonly string[] {
  return [`refused: ${letter.reason}`, `${placeOf(letter)} of ${time(letter.timestampMs)}`, letter.detail]
}

function priceWords({ chain, pair, price, bid, ask, liquidity, group, extra = {} }: PriceUpdate): readonly string[] {
  return [
    chain,
    pair,
    String(price),
    ...(bid === undefined ? [] : [`bid ${bid}`]),
    ...(ask === undefined ? [] : [`ask ${ask}`]),
    ...(liquidity === undefined ? [] : [`liquidity ${liquidity}`]),
    ...(group === undefined ? [] : [`group ${group}`]),
    ...Object.entries(extra).map(([name, value]) => `${name} ${value}`),
  ]
}

function requestWords(request: WarmRequest): readonly string[] {
  const { chain, pairs, origin, priority, triggerPair, requestId } = request
  const trigger = triggerPair === undefined ? '' : ` after ${triggerPair}`
  return [chain, `warm ${pairs.join(', ')}${trigger}`, origin, priority, ...serviceWords(request), requestId]
}

function resultWords(result: WarmResult): readonly string[] {
  const { node, status, durationMs, requestId } = result
  return [node, status, ...pairCounts(result), duration(durationMs), ...serviceWords(result), requestId]
}

function learnedWords({ chain, pair }: LeaderName, { pairs }: LeaderRecord): readonly string[] {
  return [chain, pair, `followed by ${pairs.join(', ')}`]
}

function serviceWords({ service }: Pick<WarmRequest, 'service'>): readonly string[] {
  return service === undefined ? [] : [`service ${service}`]
}

/** What became of the pairs of a warm request, for people. */
export function pairCounts(
  result: Pick<WarmResult, 'warmed' | 'alreadyInL1' | 'notFound' | 'refusedOlder' | 'notInterested'>,
): readonly string[] {
  return (['warmed', 'alreadyInL1', 'notFound', 'refusedOlder', 'notInterested'] as const)
    .filter((outcome) => result[outcome] > 0)
    .map((outcome) => `${outcome} ${result[outcome]}`)
}

/** A record may have any time, even one that is no date. */
function time(ms: number): string {
  return Math.abs(ms) <= LATEST_DATE_MS ? new Date(ms).toISOString() : `${ms} ms`
}
