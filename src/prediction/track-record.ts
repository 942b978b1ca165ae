import type { AccessHistory } from './access-history.ts'
import type { Kind, Proposal } from './proposal.ts'

interface Noted {
  /** The hours in which the pairs should be read, both inclusive. */
  readonly from: number
  readonly to: number
  readonly proposals: readonly Proposal[]
}

interface Outcome {
  proposed: number
  /** Proposals whose pair was read within their hours. */
  read: number
  /** Proposals read in the hour of their confidence; one without such an hour counts the share of its hours with a read. */
  kept: number
  /** The sum of their confidences: so many were expected to come true. */
  promised: number
}

/** Enough for recommendations that are asked for every hour, for a day ahead. */
const MAX_NOTED = 24
/** A kind begins with so many proposals that came true. */
const PRIOR = 20
/** At so many proposals all counts are halved, so that old ones weigh less. */
const MOST = 4_096

/** Counts what became of proposals of each kind: a kind that promises more than comes true is believed less. */
export class TrackRecord {
  readonly #noted: Noted[] = []
  readonly #outcomes = new Map<Kind, Outcome>()
  #lastHour = -1

  /** Notes proposals for the `hours` after `hour`: only the first of each hour, so that asking often changes nothing. */
  note(proposals: readonly Proposal[], { hour, hours }: { readonly hour: number; readonly hours: number }): void {
    if (hour <= this.#lastHour || this.#noted.length >= MAX_NOTED) return
    this.#lastHour = hour
    this.#noted.push({ from: hour + 1, to: hour + hours, proposals })
  }

  /** Judges the proposals whose hours are before `hour`. Called before the history goes on and drops these hours. */
  judge(history: AccessHistory, hour: number): void {
    const ended = this.#noted.filter(({ to }) => to < hour)
    if (ended.length === 0) return
    for (const { from, to, proposals } of ended) {
      for (const proposal of proposals) {
        const { pairId, hour: its } = proposal
        const isRead = history.between(pairId, from, to) > 0
        const kept = isRead ? shareRead(history, pairId, { from: its ?? from, to: its ?? to }) : 0
        this.#count(proposal, isRead, kept)
      }
    }
    this.#noted.splice(0, this.#noted.length, ...this.#noted.filter(({ to }) => to >= hour))
  }

  /** The share, 0 to 1, of proposals whose pair was read within their hours; only of kinds of which any were judged. */
  accuracyByKind(): Readonly<Partial<Record<Kind, number>>> {
    return Object.fromEntries([...this.#outcomes].map(([kind, { read, proposed }]) => [kind, read / proposed]))
  }

  /**
   * The proposal with its confidence reduced, if its kind promised more than came true. Only the hour of the confidence
   * counts: a read within a day proves little about a chance in an hour.
   */
  discounted(proposal: Proposal): Proposal {
    const outcome = this.#outcomes.get(proposal.kind)
    if (outcome === undefined) return proposal
    const share = (outcome.kept + PRIOR) / (outcome.promised + PRIOR)
    return share < 1 ? { ...proposal, confidence: proposal.confidence * share } : proposal
  }

  #count({ kind, confidence }: Proposal, isRead: boolean, kept: number): void {
    const outcome = this.#outcomes.get(kind) ?? { proposed: 0, read: 0, kept: 0, promised: 0 }
    this.#outcomes.set(kind, outcome)
    outcome.proposed++
    outcome.promised += confidence
    outcome.kept += kept
    if (isRead) outcome.read++
    if (outcome.proposed < MOST) return
    outcome.proposed /= 2
    outcome.promised /= 2
    outcome.kept /= 2
    outcome.read /= 2
  }
}

/** The share of the hours, both inclusive, in which the pair was read. */
function shareRead(history: AccessHistory, pairId: number, { from, to }: Pick<Noted, 'from' | 'to'>): number {
  let hours = 0
  for (let hour = from; hour <= to; hour++) if (history.in(pairId, hour) > 0) hours++
  return hours / (to - from + 1)
}
