import { type AccessHistory, DAY_HOURS } from './access-history.ts'
import { type Proposal, surest } from './proposal.ts'
import { daysRead } from './time-of-day.ts'

/** A trading session. */
export interface Session {
  readonly name: 'sydney' | 'tokyo' | 'london' | 'new-york'
  /** Hours of the day, UTC; the session is no longer open in the hour `closesAt`. */
  readonly opensAt: number
  readonly closesAt: number
  /** The zone in which it is traded. It opens on days that are working days there. */
  readonly timeZone: string
  readonly currencies: readonly string[]
}

/** The trading sessions of foreign exchange. An hour may belong to two sessions. */
export const SESSIONS: readonly Session[] = [
  { name: 'sydney', opensAt: 22, closesAt: 7, timeZone: 'Australia/Sydney', currencies: ['AUD'] },
  { name: 'tokyo', opensAt: 0, closesAt: 9, timeZone: 'Asia/Tokyo', currencies: ['JPY'] },
  { name: 'london', opensAt: 8, closesAt: 17, timeZone: 'Europe/London', currencies: ['EUR', 'GBP'] },
  { name: 'new-york', opensAt: 13, closesAt: 22, timeZone: 'America/New_York', currencies: ['USD'] },
]

/** So many reads of the pair weigh as much as the guess from its name. */
const PRIOR_READS = 20
const PRIOR_LIFT = 2
/** The weight of PRIOR_CHANCE, in days. */
const PRIOR_DAYS = 1
const PRIOR_CHANCE = { ofCurrency: 0.5, other: 0.05 } as const

export function lengthOf({ opensAt, closesAt }: Session): number {
  return (closesAt - opensAt + DAY_HOURS) % DAY_HOURS
}

export function isOpenAt(session: Session, hour: number): boolean {
  return ((hour % DAY_HOURS) - session.opensAt + DAY_HOURS) % DAY_HOURS < lengthOf(session)
}

/** The next hour, `hour` or later, at which the session opens. */
export function nextOpening(session: Session, hour: number): number {
  return hour + ((session.opensAt - (hour % DAY_HOURS) + DAY_HOURS) % DAY_HOURS)
}

/** The codes of ISO 4217, and of the metals that are traded like currencies. */
const CURRENCIES = new Set([...Intl.supportedValuesOf('currency'), 'XAG', 'XAU', 'XPD', 'XPT'])

/** Whether a currency is in the name, as EUR is in `EUR_USD`, `EUR/USD@H4` and `USDEUR`, but not in `EUROPA`. */
export function isOfCurrency(pair: string, currencies: readonly string[]): boolean {
  const name = pair.toUpperCase()
  const parts = name.split(/[^A-Z]+/).flatMap((part) => {
    const both = [part.slice(0, 3), part.slice(3)]
    return both.every((half) => CURRENCIES.has(half)) ? both : [part]
  })
  return currencies.some((currency) => parts.includes(currency))
}

/**
 * How many times as often as evenly the pair is read while the session is open: 1 is evenly. It comes from the pair's own
 * reads, and from its name as long as these are few.
 */
export function tieTo(
  session: Session,
  history: AccessHistory,
  { pairId, pair }: { readonly pairId: number; readonly pair: string },
): number {
  let open = 0
  let all = 0
  for (let hour = history.firstHour; hour <= history.lastHour; hour++) {
    const reads = history.in(pairId, hour)
    all += reads
    if (isOpenAt(session, hour)) open += reads
  }
  return tieOf({ open, all }, shareOpen(session, history), isOfCurrency(pair, session.currencies))
}

/** The share of the kept hours in which the session was open. */
function shareOpen(session: Session, { firstHour, lastHour }: AccessHistory): number {
  let openHours = 0
  for (let hour = firstHour; hour <= lastHour; hour++) if (isOpenAt(session, hour)) openHours++
  return openHours === 0 ? lengthOf(session) / DAY_HOURS : openHours / (lastHour - firstHour + 1)
}

function tieOf(
  reads: { readonly open: number; readonly all: number },
  evenly: number,
  isOfItsCurrency: boolean,
): number {
  const prior = isOfItsCurrency ? PRIOR_LIFT : 1
  return (reads.open / evenly + prior * PRIOR_READS) / (reads.all + PRIOR_READS)
}

export interface SessionOptions {
  readonly session: Session
  /** The next opening in this hour or later is meant. */
  readonly hour: number
  readonly limit: number
  readonly nameOf: (pairId: number) => string
}

/** Proposes pairs for the session's opening, by how often they were read then, or by currency while days are few. */
export function sessionPairs(
  history: AccessHistory,
  { session, hour, limit, nameOf }: SessionOptions,
): readonly Proposal[] {
  const opening = nextOpening(session, hour)
  const proposals: Proposal[] = []
  const evenly = shareOpen(session, history)
  const readsOpen = history.weighted((each) => Number(isOpenAt(session, each)))
  const reads = history.weighted(() => 1)
  for (const [place, all] of reads.entries()) {
    if (all === 0) continue
    const pairId = history.pairAt(place)
    const isOfItsCurrency = isOfCurrency(nameOf(pairId), session.currencies)
    const tie = tieOf({ open: readsOpen[place] as number, all }, evenly, isOfItsCurrency)
    if (tie <= 1) continue
    const { days, of } = daysRead(history, pairId, opening)
    const prior = isOfItsCurrency ? PRIOR_CHANCE.ofCurrency : PRIOR_CHANCE.other
    const confidence = (days + prior * PRIOR_DAYS) / (of + PRIOR_DAYS)
    proposals.push({
      pairId,
      kind: 'session',
      confidence,
      hour: opening,
      reason: `${session.name} opens; read ${tie.toFixed(1)} times as often while it is open`,
    })
  }
  return surest(proposals, limit)
}
