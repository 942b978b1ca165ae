import type { WarmRequest } from '../../schemas/warm-request.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import type { Promoted, PromoteOptions, PromotionOutcome } from '../../src/cache/promotion.ts'
import { virtualClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { Warmer, type WarmerOptions } from '../../src/warming/warmer.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

export const NOW_MS = 1_700_000_000_000
let made = 0

export function request(fields: Partial<WarmRequest> = {}): WarmRequest {
  return {
    v: 1,
    requestId: `r-${++made}`,
    chain: 'ethereum',
    pairs: ['a'],
    origin: 'correlation',
    priority: 'medium',
    issuedAtMs: NOW_MS,
    ...fields,
  }
}

/** Promotions as the warmer asks for them. The test ends them. */
class Promotions {
  readonly asked: { readonly pairIds: readonly number[]; readonly options: PromoteOptions }[] = []
  readonly outcomes = new Map<number, PromotionOutcome>()
  timedOut = false
  error: Error | undefined
  held: (() => void)[] | undefined

  async promote(pairIds: readonly number[], options: PromoteOptions = {}): Promise<Promoted> {
    this.asked.push({ pairIds, options })
    if (this.held !== undefined) await new Promise<void>((resolve) => this.held?.push(resolve))
    if (this.error !== undefined) throw this.error
    const outcomes = pairIds.map((pairId) => this.outcomes.get(pairId) ?? 'warmed')
    return { outcomes, timedOut: this.timedOut, unavailable: undefined }
  }

  get pairs(): readonly (readonly number[])[] {
    return this.asked.map(({ pairIds }) => pairIds)
  }
}

/** A warmer and its parts, with a clock that the test moves. */
export class WarmerUnderTest {
  readonly clock = virtualClock(NOW_MS)
  readonly timer = new ManualTimer(this.clock)
  readonly table = new PairTable({ maxPairs: 2_000 })
  readonly metrics = createMetrics()
  readonly promotions = new Promotions()
  readonly warmer = this.open()

  /** Another warmer of the same parts. */
  open(options: Partial<WarmerOptions> = {}): Warmer {
    const { clock, metrics, promotions: promotion, table } = this
    const isInterested = (chain: string, pair: string) => chain === 'ethereum' || pair === 'watched'
    const now = () => clock.now()
    const fixed = { nodeId: 'node-1', table, clock, metrics, now, timer: this.timer.start, promotion, isInterested }
    return new Warmer({ ...fixed, ...options })
  }

  id(pair: string, chain = 'ethereum'): number {
    return this.table.find(chain, pair)
  }

  refused(reason: string, chain = 'ethereum'): number {
    return this.metrics.counter('warm_requests_refused_total', { chain, reason }).value
  }

  async close(): Promise<void> {
    for (const release of this.promotions.held?.splice(0) ?? []) release()
    this.promotions.held = undefined
    await this.warmer.close()
  }
}
