import type { Caches } from '../../node/options.ts'
import { type ShadowReport, shadowReport } from '../../node/rollout/handle.ts'
import type { RolloutMode } from '../../schemas/control/rollout-modes.ts'
import { type Usage, warmCostOf, warmsOf } from '../../src/cache/l1/usage.ts'
import { assertOptions, callable, type OptionsOf } from '../../src/config/options.ts'
import type { AtHand } from '../../src/correlation/read-back.ts'
import { ForewarmError } from '../../src/forewarm-error.ts'
import { changedRollout, type RolloutValue } from '../../src/rollout/rollout-value.ts'
import { offBecause } from '../../src/warming/governed.ts'

/** Tells whether reads of the pair may warm others: a feature flag of the caller's. */
export type RolloutGate = (pair: string) => boolean

/** What a warming beside a cache takes as its rollout. Whatever is not given or undefined stays as it is. */
export interface CacheRolloutChange {
  /** Default: `full`. */
  readonly mode?: RolloutMode | undefined
  /** In canary: how many of a hundred pairs warm what follows their reads. Pairs are in or out by their names. */
  readonly percent?: number | undefined
  /**
   * The share of the recorded updates, 0 to 0.5, for which nothing is warmed: `hitRateImprovement` compares the others with
   * them. Default: 0.
   */
  readonly controlShare?: number | undefined
  /** Nothing is warmed, whatever the mode says, until it is set to false. */
  readonly killed?: boolean | undefined
  /**
   * Asked whenever the read of a pair could warm others, so it must be quick. Anything but `true` means no, also an error
   * and a promise. It never warms more than mode and percent allow.
   */
  readonly gate?: RolloutGate | undefined
}

/** How much a warming beside a cache warms. */
export interface CacheRolloutStatus {
  /** What holds: the most careful of all that was set. */
  readonly mode: RolloutMode
  /** Why nothing is warmed, if the mode alone does not say it. */
  readonly offBecause: string | undefined
  readonly set: Pick<RolloutValue, 'mode' | 'percent' | 'controlShare' | 'killed'>
  /** Answers of the gate: `yes`, `no`, and `faults`, which were errors or not boolean and count as no. */
  readonly gate: { readonly yes: number; readonly no: number; readonly faults: number }
  /** The effect that warming would have, in the current stretch of shadow or the last one. */
  readonly shadow: ShadowReport | undefined
}

/**
 * Shows and changes how much a warming beside a cache warms. After the warming or its cache is closed nothing changes any more,
 * and `offBecause` says so.
 */
export interface CacheRollout {
  status(): CacheRolloutStatus
  /** Takes effect at once. Throws a ForewarmError 'bad-value' with one sentence for a value that is not allowed. */
  set(change: CacheRolloutChange): CacheRolloutStatus
  /** Nothing is warmed from now on, not even by a warm in flight. `set({ killed: false })` lifts it. */
  kill(): CacheRolloutStatus
}

export const CACHE_ROLLOUT: OptionsOf<CacheRolloutChange> = {
  ...{ mode: true, percent: true, controlShare: true, killed: true, gate: callable },
}

export interface RolledOutOptions {
  readonly caches: Pick<Caches, 'table' | 'l1' | 'rollout' | 'shadow'>
  /** The rollout before any warming had one. */
  readonly before: RolloutValue
  readonly given: CacheRolloutChange
  readonly isCacheClosed: () => boolean
  readonly onChange: () => void
}

type Place = Pick<Caches['l1'], 'has' | 'renew' | 'usage'>

/** What has become of warms, in L1 and in all its shadows. */
type Ended = Readonly<Record<'used' | 'unused' | 'warms' | 'missedSoon', number>>

/** The rollout of a warming beside a cache. */
export class RolledOut implements CacheRollout, AtHand {
  readonly #options: RolledOutOptions
  readonly #first: RolloutValue
  #gate: RolloutGate | undefined
  readonly #answers = { yes: 0, no: 0, faults: 0 }
  /** The place that warms went to when they were last counted: L1, or a shadow of it. */
  #place: Place
  /** The counts of the places before that one. */
  #earlier: Ended = { used: 0, unused: 0, warms: 0, missedSoon: 0 }
  #isAsking = false
  #isClosed = false

  constructor(options: RolledOutOptions) {
    this.#options = options
    this.#first = valueAfter('createWarming: rollout', options.before, options.given)
    this.#gate = options.given.gate
    this.#place = this.#l1
  }

  begin(): void {
    this.#options.caches.rollout.set(this.#first)
    this.#place = this.#l1
  }

  has(pairId: number): boolean {
    return this.#l1.has(pairId)
  }

  renew(pairId: number): void {
    this.#l1.renew(pairId)
  }

  /** Why not even a person's warms are carried out. */
  get refusal(): 'off' | 'killed' | 'closed' | undefined {
    return this.#isClosed || this.#options.isCacheClosed() ? 'closed' : offBecause(this.#options.caches)
  }

  /** What has become of warms so far. It never falls when the place changes, whoever changes it. */
  get ended(): Ended {
    const l1 = this.#l1
    if (l1 !== this.#place) {
      const before = sum(this.#earlier, endedIn(this.#place.usage), 1)
      this.#earlier = sum(before, endedIn(l1.usage), -1)
      this.#place = l1
    }
    return sum(this.#earlier, endedIn(l1.usage), 1)
  }

  /** Whether a read of the pair may warm others, or would in shadow. */
  allows(pairId: number): boolean {
    const { rollout, table } = this.#options.caches
    return rollout.way !== 'off' && rollout.includes(pairId) && this.#passes(table.pairName(pairId))
  }

  status(): CacheRolloutStatus {
    const { rollout, shadow } = this.#options.caches
    const { mode, percent, controlShare, killed } = rollout.value
    return {
      ...{ mode: rollout.mode, offBecause: this.#endedBecause ?? rollout.offBecause },
      set: { mode, percent, controlShare, killed },
      gate: { ...this.#answers },
      shadow: shadowReport(shadow.figures),
    }
  }

  set(change: CacheRolloutChange): CacheRolloutStatus {
    assertOptions('rollout.set', change, CACHE_ROLLOUT)
    const { caches, onChange } = this.#options
    const value = valueAfter('rollout.set', caches.rollout.value, change)
    if (this.#endedBecause !== undefined) return this.status()
    caches.rollout.set(value)
    this.#gate = change.gate ?? this.#gate
    onChange()
    return this.status()
  }

  kill(): CacheRolloutStatus {
    return this.set({ killed: true })
  }

  close(): void {
    this.#isClosed = true
  }

  get #endedBecause(): string | undefined {
    if (this.#isClosed) return 'the warming is closed'
    return this.#options.isCacheClosed() ? 'the cache is closed' : undefined
  }

  /** L1, or its shadow: the place that warms go to. */
  get #l1(): Place {
    const { l1, shadow } = this.#options.caches
    return shadow.parts?.l1 ?? l1
  }

  #passes(pair: string): boolean {
    const gate = this.#gate
    if (gate === undefined) return true
    // What a gate itself reads warms nothing: it would be asked about that, too, and so on.
    if (this.#isAsking) return false
    this.#isAsking = true
    const answer = answerOf(gate, pair)
    this.#isAsking = false
    this.#answers[answer]++
    return answer === 'yes'
  }
}

/** Throws a ForewarmError 'bad-value' for a change that is not allowed. */
function valueAfter(call: string, before: RolloutValue, { gate: _, ...change }: CacheRolloutChange): RolloutValue {
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  const changed = changedRollout(before, Object.fromEntries(given))
  if ('value' in changed) return changed.value
  throw new ForewarmError('bad-value', changed.problems.map(({ detail }) => `${call}: ${detail}`).join('\n'))
}

function answerOf(gate: RolloutGate, pair: string): 'yes' | 'no' | 'faults' {
  try {
    const answer: unknown = gate(pair)
    if (typeof answer === 'boolean') return answer ? 'yes' : 'no'
    // A gate that is asynchronous by mistake may reject, which would end the process.
    if (answer instanceof Promise) answer.catch(() => undefined)
    return 'faults'
  } catch {
    return 'faults'
  }
}

function endedIn(usage: Usage): Ended {
  const { used, unused } = warmsOf(usage, 'prediction')
  return { used, unused, ...warmCostOf(usage) }
}

function sum(a: Ended, b: Ended, sign: 1 | -1): Ended {
  return {
    used: a.used + sign * b.used,
    unused: a.unused + sign * b.unused,
    warms: a.warms + sign * b.warms,
    missedSoon: a.missedSoon + sign * b.missedSoon,
  }
}
