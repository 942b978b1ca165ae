import type { AccessHistory } from './access-history.ts'
import type { Kind, Proposal } from './proposal.ts'

interface Noted {
  /** The hours in which they should be read, both inclusive. */
  readonly from: number
  readonly to: number
  readonly proposals: readonly Proposal[]
}

interface Outcome {
  proposed: number
  /** Of these, read within the hours they were made for. */
  read: number
  /** Of these, read in the hour for which their confidence is, or the share of the hours where it is for each of them. */
  kept: number
  /** Sum of their confidences: so many were to be read. */
  promised: number
}

/** A day's, when it is asked every hour for the hours of a day. */
const MAX_NOTED = 24
/** Proposals that a kind is believed to keep before it has shown any. */
const PRIOR = 20
/** At so many all counts are halved: what a kind did long ago weighs less than what it does now. */
const MOST = 4_096

/** What became of proposals, by kind: a kind that promises more than it keeps is believed less. */
export class TrackRecord {
  readonly #noted: Noted[] = []
  readonly #outcomes = new Map<Kind, Outcome>()
  #lastHour = -1

  /** Proposals for the `hours` after `hour`. The first of an hour count, so that who asks often proves nothing. */
  note(proposals: readonly Proposal[], { hour, hours }: { readonly hour: number; readonly hours: number }): void {
    if (hour <= this.#lastHour || this.#noted.length >= MAX_NOTED) return
    this.#lastHour = hour
    this.#noted.push({ from: hour + 1, to: hour + hours, proposals })
  }

  /** Looks at what was proposed for hours before `hour`; before the history goes on and forgets them. */
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

  /** Proposals that were read within their hours ÷ proposals, 0 to 1; of kinds of which any have been judged. */
  accuracyByKind(): Readonly<Partial<Record<Kind, number>>> {
    return Object.fromEntries([...this.#outcomes].map(([kind, { read, proposed }]) => [kind, read / proposed]))
  }

  /**
   * As sure as its kind was right: never surer than it says itself. What counts is the hour for which it was sure: that
   * something is read within a day proves little of a chance that is an hour's.
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

/** Of the hours, both inclusive, the share in which the pair was read. */
function shareRead(history: AccessHistory, pairId: number, { from, to }: Pick<Noted, 'from' | 'to'>): number {
  let hours = 0
  for (let hour = from; hour <= to; hour++) if (history.in(pairId, hour) > 0) hours++
  return hours / (to - from + 1)
}
