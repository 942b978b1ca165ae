import { assign, type Subscriber } from '../../../src/broker/kafka/group/assigner.ts'
import { partitionName } from '../../../src/broker/partition-name.ts'

export interface ChurnOptions {
  /** The partitions of each topic. */
  readonly counts: ReadonlyMap<string, number>
  /** From 0 to below 1. */
  readonly random: () => number
}

/** What a change of the group, or several that overlap, did to its partitions. */
export interface Rebalance {
  readonly nodes: number
  /** Partitions that another node holds now. */
  readonly moved: number
  /** Those of them that moved between two nodes which were there before and still are. */
  readonly needless: number
  /** How often a partition was given to a node that had to give it up again. */
  readonly detours: number
  /** Generations of the group until nothing had to move any more. */
  readonly generations: number
  /** The partitions of the busiest node ÷ the mean. */
  readonly imbalance: number
}

type Holders = ReadonlyMap<string, string>

/** A group without a Kafka: the assigner of the leader shares out, and members join again as real ones do. */
export class Churn {
  readonly partitions: number
  readonly #counts: ReadonlyMap<string, number>
  readonly #topics: readonly string[]
  readonly #random: () => number
  #members: readonly Subscriber[] = []
  #generation = 0
  #joined = 0

  constructor({ counts, random }: ChurnOptions) {
    this.#counts = counts
    this.#topics = [...counts.keys()]
    this.#random = random
    this.partitions = [...counts.values()].reduce((sum, count) => sum + count, 0)
  }

  get members(): readonly Subscriber[] {
    return this.#members
  }

  get nodes(): number {
    return this.#members.length
  }

  join(): void {
    const memberId = `${this.#random().toString(36).slice(2)}-${++this.#joined}`
    this.#members = [...this.#members, { memberId, topics: this.#topics, owned: [], generation: -1 }]
  }

  /** A node leaves or dies: for the assigner it is the same. */
  leave(at = Math.floor(this.#random() * this.nodes)): void {
    this.#members = this.#members.filter((_, other) => other !== at)
  }

  /** One generation, which members join in any order. Gives whether another one has to follow. */
  generation(): boolean {
    const { byMember, isMoreToCome } = assign(shuffled(this.#members, this.#random), this.#counts)
    const generation = ++this.#generation
    this.#members = this.#members.map((each) => ({ ...each, owned: byMember.get(each.memberId) ?? [], generation }))
    return isMoreToCome
  }

  /** Makes the changes one after the other, each before what the one before has started has come to its end. */
  rebalance(changes: readonly (() => void)[]): Rebalance {
    const before = this.#holders()
    const were = new Set(this.#members.map(({ memberId }) => memberId))
    const last = new Map(before)
    const moves = new Map<string, number>()
    let generations = 0
    const step = (): boolean => {
      generations++
      const isMoreToCome = this.generation()
      for (const [name, holder] of this.#holders()) {
        if (last.get(name) !== holder) moves.set(name, (moves.get(name) ?? 0) + 1)
        last.set(name, holder)
      }
      return isMoreToCome
    }
    for (const [at, change] of changes.entries()) {
      change()
      if (at < changes.length - 1) step()
    }
    while (step());
    return { ...this.#compared(before, were), generations, detours: detoursOf(moves) }
  }

  #compared(before: Holders, were: ReadonlySet<string>) {
    const stay = new Set(this.#members.map(({ memberId }) => memberId).filter((id) => were.has(id)))
    const moved = [...this.#holders()].filter(([name, holder]) => before.get(name) !== holder)
    const needless = moved.filter(([name, holder]) => stay.has(holder) && stay.has(before.get(name) ?? ''))
    const busiest = Math.max(...this.#members.map(({ owned }) => owned.length))
    const imbalance = (busiest * this.nodes) / this.partitions
    return { nodes: this.nodes, moved: moved.length, needless: needless.length, imbalance }
  }

  #holders(): Holders {
    const held = this.#members.flatMap(({ memberId, owned }) =>
      owned.map((each) => [partitionName(each), memberId] as const),
    )
    return new Map(held)
  }
}

function detoursOf(moves: ReadonlyMap<string, number>): number {
  return [...moves.values()].reduce((sum, times) => sum + times - 1, 0)
}

function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  return list
    .map((each) => ({ each, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each)
}
