import type { Hierarchy } from '../cache/hierarchy.ts'
import type { FirstLevel } from '../cache/l1/first-level.ts'
import type { L2 } from '../cache/l2/l2.ts'
import type { WriteBehind } from '../cache/l2/write-behind.ts'
import type { PairTable } from '../cache/names/pair-table.ts'
import { Promotion } from '../cache/promotion.ts'
import type { Clock } from '../clock.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { Rollout } from './rollout.ts'
import { type ShadowFigures, ShadowL1 } from './shadow-l1.ts'

export interface ShadowOptions {
  readonly rollout: Pick<Rollout, 'way' | 'onChange'>
  readonly table: PairTable
  readonly l1: FirstLevel
  readonly l2: Pick<L2, 'load'>
  readonly writeBehind: Pick<WriteBehind, 'pending'>
  readonly hierarchy: Pick<Hierarchy, 'isAbsent'>
  /** How long a trip to L2 takes, milliseconds. */
  readonly takesMs: () => number
  readonly clock: Clock
  readonly ttlMs: number
  readonly timeoutMs: number
}

/** The parts of one stretch of shadow. */
export interface ShadowParts {
  readonly l1: ShadowL1
  /** Promotes into the shadow. Nothing of it is counted among promotions. */
  readonly promotion: Promotion
}

/** What warming would bring, while the rollout is in shadow. Each stretch begins anew, with an empty L1. */
export class Shadow {
  readonly #options: ShadowOptions
  /** Undefined while the rollout is not in shadow. */
  parts: ShadowParts | undefined
  #last: ShadowFigures | undefined

  constructor(options: ShadowOptions) {
    this.#options = options
    options.table.keep({ forget: (pairId) => this.parts?.l1.forget(pairId) })
    options.rollout.onChange(() => this.#follow())
    this.#follow()
  }

  /** The figures of this stretch, or of the last one; undefined before the first. */
  get figures(): ShadowFigures | undefined {
    return this.parts?.l1.figures ?? this.#last
  }

  /** A demand read, which L1 has answered (`isHit`) or not. */
  read(pairId: number, isHit: boolean): void {
    this.parts?.l1.read(pairId, isHit)
  }

  /** What is warmed by hand is in L1 with and without the warming that the shadow stands for. */
  warmed(pairIds: readonly number[], kinds: readonly number[]): void {
    const kindOf = (pairId: number) => kinds[pairIds.indexOf(pairId)] ?? 0
    this.parts?.l1.warm(pairIds, kindOf, Number.POSITIVE_INFINITY)
  }

  #follow(): void {
    const { rollout, hierarchy, ...caches } = this.#options
    const isShadow = rollout.way === 'shadow'
    if (isShadow === (this.parts !== undefined)) return
    this.#last = this.parts?.l1.figures
    this.parts = undefined
    if (!isShadow) return
    const l1 = new ShadowL1({ ...caches, isAbsent: (pairId) => hierarchy.isAbsent(pairId) })
    this.parts = { l1, promotion: new Promotion({ ...caches, l1, metrics: createMetrics() }) }
  }
}
