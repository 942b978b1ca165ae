import { serviceOf, type WarmRequest } from '../../schemas/warm-request.ts'
import { type PairTable, TABLE_FULL, UNKNOWN_PAIR } from '../cache/names/pair-table.ts'
import { RecentIds } from './recent-ids.ts'

/** Why a request is not carried out; the labels of `warm_requests_refused_total`. */
export type WarmRefusal =
  /** It was made by a replay, and this node does not serve those. */
  | 'replay'
  | 'not-interested'
  /** It is for the nodes of another service. */
  | 'other-service'
  /** A request with this id came before. */
  | 'duplicate'
  | 'expired'
  /** It would have to be held longer than the limit. */
  | 'too-far-ahead'
  /** The backlog was full, and the request had too low a priority to stay or to get in. */
  | 'shed'
  /** The rollout is off, or killed. */
  | 'off'
  | 'killed'
  | 'closed'

export type Admission =
  /** The ids are held; whoever has carried the request out lets them go. */
  | { readonly admitted: true; readonly pairIds: readonly number[] }
  | {
      readonly admitted: false
      readonly reason: WarmRefusal
      /** Whether the publisher gets an answer: nodes that a request does not concern stay silent. */
      readonly answered: boolean
    }

export interface AdmissionOptions {
  readonly service: string
  readonly table: PairTable
  /** Whether the pair concerns this node: updates of it, or of its chain if it has none yet, arrive here, or a detector here reads it. */
  readonly isInterested: (chain: string, pair: string) => boolean
  readonly acceptReplays: boolean
  readonly rememberedIds: number
  readonly maxHoldMs: number
  /** Why nothing is warmed at the moment. */
  readonly offBecause: () => 'off' | 'killed' | undefined
}

/** Decides whether this node serves a request, before any work is spent on it. */
export class Admissions {
  readonly #options: AdmissionOptions
  readonly #served: RecentIds

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#served = new RecentIds(options.rememberedIds)
  }

  decide(request: WarmRequest, nowMs: number): Admission {
    // A replay plays a service's requests to whichever nodes are there to read it.
    if (request.origin === 'replay' && !this.#options.acceptReplays) return notAdmitted('replay', false)
    if (request.origin !== 'replay' && serviceOf(request) !== this.#options.service)
      return notAdmitted('other-service', false)
    const pairIds = this.#wanted(request)
    if (pairIds === undefined) return notAdmitted('not-interested', false)
    const refusal = this.#refusal(request, nowMs)
    if (refusal !== undefined) this.#options.table.holds.letGo(pairIds)
    return refusal ?? { admitted: true, pairIds }
  }

  #refusal(request: WarmRequest, nowMs: number): Admission | undefined {
    if (!this.#served.add(request.requestId)) return notAdmitted('duplicate', false)
    const { notBeforeMs = nowMs, expiresAtMs = Number.POSITIVE_INFINITY } = request
    if (expiresAtMs <= Math.max(nowMs, notBeforeMs)) return notAdmitted('expired', true)
    if (notBeforeMs > nowMs + this.#options.maxHoldMs) return notAdmitted('too-far-ahead', true)
    const off = this.#options.offBecause()
    return off && notAdmitted(off, true)
  }

  /** Gives an id to each of the pairs, known or not: a cold start must be able to warm pairs that were never seen. */
  allOf(chain: string, pairs: readonly string[]): number[] {
    return this.#options.table.askAndHold(chain, pairs)
  }

  #wanted({ chain, pairs }: WarmRequest): readonly number[] | undefined {
    const { table, isInterested } = this.#options
    const pairIds = pairs.flatMap((pair) =>
      isInterested(chain, pair) ? table.askAndHold(chain, [pair]) : UNKNOWN_PAIR,
    )
    return pairIds.some((pairId) => pairId !== UNKNOWN_PAIR) ? pairIds : undefined
  }
}

/** Whether an id in a job stands for a pair. */
export function isPair(pairId: number): boolean {
  return pairId !== UNKNOWN_PAIR && pairId !== TABLE_FULL
}

function notAdmitted(reason: WarmRefusal, answered: boolean): Admission {
  return { admitted: false, reason, answered }
}
