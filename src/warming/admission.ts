import type { WarmRequest } from '../../schemas/warm-request.ts'
import { type PairTable, TABLE_FULL, UNKNOWN_PAIR } from '../cache/names/pair-table.ts'
import { RecentIds } from './recent-ids.ts'

/** Why a request is not carried out. The words are labels of `warm_requests_refused_total`. */
export type WarmRefusal =
  /** Made by a replay: nodes in production have nothing to do with it. */
  | 'replay'
  | 'not-interested'
  /** A request of this id was served. */
  | 'duplicate'
  | 'expired'
  /** To be held longer than anything is held. */
  | 'too-far-ahead'
  /** Pushed out of the full backlog, or too low to get in. */
  | 'shed'
  | 'closed'

export type Admission =
  | { readonly admitted: true; readonly pairIds: readonly number[] }
  | {
      readonly admitted: false
      readonly reason: WarmRefusal
      /** Whether the asker is told: nodes that have nothing to do with a request keep silent. */
      readonly answered: boolean
    }

export interface AdmissionOptions {
  readonly table: PairTable
  /** Whether this node has to do with the pair: its chain is assigned here, or a detector reads it. */
  readonly isInterested: (chain: string, pair: string) => boolean
  readonly acceptReplays: boolean
  readonly rememberedIds: number
  readonly maxHoldMs: number
}

/** Whether a request is this node's business, before anything is spent on it. */
export class Admissions {
  readonly #options: AdmissionOptions
  readonly #served: RecentIds

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#served = new RecentIds(options.rememberedIds)
  }

  decide(request: WarmRequest, nowMs: number): Admission {
    if (request.origin === 'replay' && !this.#options.acceptReplays) return notAdmitted('replay', false)
    const pairIds = this.#wanted(request)
    if (pairIds === undefined) return notAdmitted('not-interested', false)
    if (!this.#served.add(request.requestId)) return notAdmitted('duplicate', false)
    const { notBeforeMs = nowMs, expiresAtMs = Number.POSITIVE_INFINITY } = request
    if (expiresAtMs <= Math.max(nowMs, notBeforeMs)) return notAdmitted('expired', true)
    if (notBeforeMs > nowMs + this.#options.maxHoldMs) return notAdmitted('too-far-ahead', true)
    return { admitted: true, pairIds }
  }

  /** Ids for all of them: a pair that was never seen here is warmed too, which is what a cold start needs. */
  allOf(chain: string, pairs: readonly string[]): number[] {
    return pairs.map((pair) => this.#options.table.ask(chain, pair))
  }

  #wanted({ chain, pairs }: WarmRequest): readonly number[] | undefined {
    const { table, isInterested } = this.#options
    const pairIds = pairs.map((pair) => (isInterested(chain, pair) ? table.ask(chain, pair) : UNKNOWN_PAIR))
    return pairIds.some((pairId) => pairId !== UNKNOWN_PAIR) ? pairIds : undefined
  }
}

/** What an id in a job stands for. */
export function isPair(pairId: number): boolean {
  return pairId !== UNKNOWN_PAIR && pairId !== TABLE_FULL
}

function notAdmitted(reason: WarmRefusal, answered: boolean): Admission {
  return { admitted: false, reason, answered }
}
