import type { ForewarmNode } from '../../node/node.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { type Stage, updateOf } from './stage.ts'

export const PAIRS = 40
const ROUNDS = 30

export const nameOf = (pair: number) => `P${pair}`

/** Reads the next two pairs on each update of a pair, and the third every other time. */
export function siblings(chains: readonly string[]) {
  const seen = new Map<string, number>()
  return detector('siblings', {}, (update, prices) => {
    if (!chains.includes(update.chain)) return
    const pair = Number(update.pair.slice(1))
    const key = `${update.chain} ${update.pair}`
    const count = (seen.get(key) ?? 0) + 1
    seen.set(key, count)
    for (const next of count % 2 === 0 ? [1, 2] : [1, 2, 3]) prices.get(update.chain, nameOf((pair + next) % PAIRS))
  })
}

/** Updates each pair of the chains so often that its edges are settled. */
export async function teach(stage: Stage, node: ForewarmNode, chains: readonly string[]): Promise<void> {
  const before = node.stats().updates
  for (let round = 0; round < ROUNDS; round++)
    await stage.produce(
      ...chains.flatMap((chain) => Array.from({ length: PAIRS }, (_, pair) => updateOf(nameOf(pair), { chain }))),
    )
  const all = before + PAIRS * ROUNDS * chains.length
  await until('all is handled', () => node.stats().updates === all && node.stats().lagRecords === 0)
}

interface Known {
  readonly pair: string
  readonly follows: string
  readonly score: number
}

/** What the node would warm after an update of each pair of the chain. */
export function known(node: ForewarmNode, chain: string): readonly Known[] {
  return Array.from({ length: PAIRS }, (_, pair) => nameOf(pair)).flatMap((pair) =>
    node
      .pairsToWarm(chain, pair)
      .map(({ pair: follows, score }) => ({ pair, follows, score }))
      .sort((a, b) => (a.follows < b.follows ? -1 : 1)),
  )
}

/** The edges that are not the same in both, or whose scores differ by more than 0.01. */
export function differences(one: readonly Known[], other: readonly Known[]): readonly string[] {
  const scores = new Map(other.map(({ pair, follows, score }) => [`${pair} → ${follows}`, score]))
  const wrong = one.flatMap(({ pair, follows, score }) => {
    const edge = `${pair} → ${follows}`
    const there = scores.get(edge)
    scores.delete(edge)
    return there !== undefined && Math.abs(score - there) <= 0.01 ? [] : [`${edge}: ${score} and ${there}`]
  })
  return [...wrong, ...[...scores.keys()].map((edge) => `${edge}: only in the other`)]
}

/** The check `restored` of /readyz. */
export async function restoredCheck(node: ForewarmNode): Promise<{ readonly status: string; readonly reason: string }> {
  const ready = await fetch(`http://127.0.0.1:${node.httpPort}/readyz`)
  const { checks } = (await ready.json()) as { checks: Record<string, { status: string; reason: string }> }
  return checks.restored ?? { status: 'absent', reason: '' }
}
