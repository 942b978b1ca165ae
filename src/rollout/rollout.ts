import type { RolloutMode } from '../../schemas/control/rollout-modes.ts'
import { enlarged } from '../../schemas/enlarged.ts'
import type { WarmKind } from '../cache/l1/usage.ts'
import type { PairTable } from '../cache/names/pair-table.ts'
import { pairShare } from '../pair-hash.ts'
import type { RolloutValue } from './rollout-value.ts'

export interface RolloutOptions {
  readonly table: Pick<PairTable, 'chainOf' | 'chainName' | 'pairName' | 'keep'>
  readonly value: RolloutValue
  /** Chains of which this node warms nothing else, whatever the operators set; all unless given. */
  readonly localChains?: 'all' | readonly string[]
  /** Why this node warms nothing, whatever the operators set: a switch of its own. */
  readonly switchedOff?: string | undefined
}

/** What warming does here. `full` stands for canary, too: there the pairs differ. */
export type Way = 'off' | 'shadow' | 'full'

/** Sets a canary apart from other shares by the names of pairs. */
const SALT = 2

const UNKNOWN = 0
const IN = 1
const OUT = 2

/**
 * Whether an update warms what follows it. A change is compiled into a table with a mark for each pair, so that an update
 * costs one load. A pair is in or out by its name: it stays so while the percentage grows, and on every node.
 */
export class Rollout {
  /** What warming does at the moment. */
  way: Way = 'off'
  readonly #options: RolloutOptions
  readonly #listeners: (() => void)[] = []
  #value: RolloutValue
  /** IN or OUT by pair id; UNKNOWN before the pair's first update. */
  #marks: Uint8Array<ArrayBuffer> = new Uint8Array(1024)
  #withheld: string | undefined
  #kills = 0
  #keptKill: string | undefined

  constructor(options: RolloutOptions) {
    this.#options = options
    this.#value = options.value
    options.table.keep({
      forget: (pairId) => {
        if (pairId < this.#marks.length) this.#marks[pairId] = UNKNOWN
      },
    })
    this.#compile()
  }

  get value(): RolloutValue {
    return this.#value
  }

  get isKilled(): boolean {
    return this.#value.killed || this.#kills > 0 || this.#keptKill !== undefined
  }

  /** The mode that holds here: the most careful of all that was set. */
  get mode(): RolloutMode {
    return this.way === 'full' ? this.#value.mode : this.way
  }

  /** Why nothing is warmed here although the mode says so; undefined if there is no such reason. */
  get offBecause(): string | undefined {
    if (this.isKilled) return this.#value.killed ? 'it is killed' : (this.#keptKill ?? 'it is killed')
    return this.#options.switchedOff ?? this.#withheld
  }

  /** Whether warms of the kind are kept out of L1 at the moment, also those that are under way. */
  keepsOut(kind: WarmKind | undefined): boolean {
    if (this.way === 'full') return false
    return this.way === 'off' || kind === 'look-ahead' || kind === 'correlation' || kind === 'prediction'
  }

  set(value: RolloutValue): void {
    this.#value = value
    this.#compile()
  }

  /** Nothing is warmed for this reason, until it is gone (undefined). */
  withhold(reason: string | undefined): void {
    this.#withheld = reason
    this.#compile()
  }

  /** Kills at once. No value lifts it until `end` is called: what others have set before may still come in. */
  beginKill(): { readonly end: () => void } {
    this.#kills++
    this.#compile()
    return {
      end: () => {
        this.#kills--
        this.#compile()
      },
    }
  }

  /** Why a kill holds that nobody but this node knows of; undefined without one. */
  get keptKill(): string | undefined {
    return this.#keptKill
  }

  /** Kills at once for this reason, whatever value is set, until the reason is gone (undefined). */
  keepKill(reason: string | undefined): void {
    this.#keptKill = reason
    this.#compile()
  }

  /** Calls the listener after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Whether updates of the pair warm, or would warm in shadow. Nothing else is looked at for a pair that was asked before. */
  includes(pairId: number): boolean {
    return (this.#marks[pairId] || this.#mark(pairId)) === IN
  }

  #compile(): void {
    const { mode } = this.#value
    if (this.offBecause !== undefined || mode === 'off') this.way = 'off'
    else this.way = mode === 'shadow' ? 'shadow' : 'full'
    this.#marks = new Uint8Array(this.#marks.length)
    for (const listener of this.#listeners) listener()
  }

  #mark(pairId: number): number {
    if (pairId >= this.#marks.length) this.#marks = enlarged(this.#marks, new Uint8Array(pairId * 2))
    const mark = this.#isIn(pairId) ? IN : OUT
    this.#marks[pairId] = mark
    return mark
  }

  #isIn(pairId: number): boolean {
    const { table, localChains = 'all' } = this.#options
    const { mode, chains, percent } = this.#value
    const chain = table.chainName(table.chainOf(pairId))
    if (!holds(chains, chain) || !holds(localChains, chain)) return false
    return mode !== 'canary' || percent >= 100 || pairShare(chain, table.pairName(pairId), SALT) * 100 < percent
  }
}

function holds(chains: 'all' | readonly string[], chain: string): boolean {
  return chains === 'all' || chains.includes(chain)
}
