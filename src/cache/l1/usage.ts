import { ORIGINS, PROPOSING_STRATEGIES, WARM_STRATEGIES, type WarmRequest } from '../../../schemas/warm-request.ts'
import type { PushedOut } from './pushed-out.ts'

/**
 * Who asked for a warm: the look-ahead of this node, the origin of a request, or the strategy that a caller chose. A kind
 * of warm is a place in this list.
 */
export const WARM_KINDS = ['look-ahead', ...ORIGINS, ...WARM_STRATEGIES] as const
export type WarmKind = (typeof WARM_KINDS)[number]

export function indexOfWarmKind(kind: WarmKind): number {
  return WARM_KINDS.indexOf(kind)
}

/** The kind of a request: its strategy if a caller can choose that, else its origin. */
export function warmKindOf({ origin, strategy }: Pick<WarmRequest, 'origin' | 'strategy'>): number {
  const chosen = WARM_STRATEGIES.find((each) => each === strategy)
  return indexOfWarmKind(chosen ?? origin)
}

/** A strategy that is compared with another has sixteen groups of triggers. Those of both are the cells. */
export const GROUPS = 16
export const CELLS = 2 * GROUPS

/** The kinds that strategies decide about, so that their warms belong to a cell. */
const CHOSEN = (['look-ahead', 'correlation', 'prediction'] as const).map(indexOfWarmKind)

/** A kind and the cell of the trigger as one number, which fits a byte. Behind the kinds come the cells of each chosen kind. */
export function warmCode(kind: number, cell: number): number {
  const chosen = CHOSEN.indexOf(kind)
  return chosen < 0 ? kind : WARM_KINDS.length + chosen * CELLS + cell
}

/** The place in WARM_KINDS. */
export function kindOfCode(code: number): number {
  const behind = code - WARM_KINDS.length
  return behind < 0 ? code : (CHOSEN[Math.floor(behind / CELLS)] ?? code)
}

/** Undefined for a warm that no strategy chose. */
export function cellOfCode(code: number): number | undefined {
  const behind = code - WARM_KINDS.length
  return behind < 0 ? undefined : behind % CELLS
}

const FIRST_AHEAD = WARM_KINDS.length - PROPOSING_STRATEGIES.length

/** Whether a warm of the kind is for the hour to come, and not for what is read next. */
export function isAhead(code: number): boolean {
  return code >= FIRST_AHEAD && code < WARM_KINDS.length
}

function warmCounts(): WarmCounts {
  return { admitted: 0, used: 0, unused: 0, dropped: 0 }
}

/** Counts warms: all of them, and those of each kind. */
export class WarmTally {
  readonly all = warmCounts()
  readonly byKind: readonly WarmCounts[] = WARM_KINDS.map(() => warmCounts())

  /** The warms that strategies have chosen, by the cell of their trigger. */
  readonly byCell: readonly WarmCounts[] = Array.from({ length: CELLS }, () => warmCounts())

  /** `code`: see `warmCode`. */
  count(code: number, what: keyof WarmCounts): void {
    this.all[what]++
    const kind = kindOfCode(code)
    const counts = this.byKind[kind]
    if (counts !== undefined) counts[what]++
    const cell = cellOfCode(code)
    const ofCell = cell === undefined ? undefined : this.byCell[cell]
    if (ofCell !== undefined) ofCell[what]++
  }
}

/** What became of warms. The admitted ones are used, unused, dropped, or still unread in L1. */
export interface WarmCounts {
  admitted: number
  /** Read before they left. */
  used: number
  /** Expired or evicted unread. */
  unused: number
  /** Removed because their pair was delisted. */
  dropped: number
}

/** How many slots are in use, and by what. */
export interface Usage {
  readonly slots: number
  /** The most slots that may be in use, and the most that warms may hold; both fall under memory pressure. */
  readonly limit: number
  readonly warmLimit: number
  readonly resident: number
  readonly warm: number
  readonly warmCounts: Readonly<WarmCounts>
  /** The same for each kind, in the order of WARM_KINDS. */
  readonly warmsByKind: readonly Readonly<WarmCounts>[]
  /** Those of the kinds that strategies decide about, by the cell of their trigger. */
  readonly warmsByCell: readonly Readonly<WarmCounts>[]
  readonly pushedOut: Readonly<Pick<PushedOut, 'missed' | 'missedSoon'>>
  readonly evictions: number
  readonly expirations: number
}

/** What tells the warms of each kind apart. */
export type WarmsByKind = Pick<Usage, 'warmsByKind'>

/** The counts of one kind of warms. */
export function warmsOf(usage: WarmsByKind, kind: WarmKind): Readonly<WarmCounts> {
  return usage.warmsByKind[indexOfWarmKind(kind)] as WarmCounts
}

/** The cost of warms by which a threshold is set. */
export function warmCostOf({ warmCounts, pushedOut }: Usage): { readonly warms: number; readonly missedSoon: number } {
  return { warms: warmCounts.admitted, missedSoon: pushedOut.missedSoon }
}

export interface ResidencyOptions {
  readonly slots: number
  readonly maxPairs: number
  /** 0 to 1: the most of the slots that warms may hold. */
  readonly warmShare: number
  readonly slotOfPair?: Int32Array
  readonly pairOfSlot?: Int32Array
  readonly reads?: Uint8Array
  /** Called when a slot has become free. */
  readonly onFree?: (slot: number) => void
}
