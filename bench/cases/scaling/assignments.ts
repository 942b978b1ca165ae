import { encodeAssignment, encodeSubscription } from '../../../src/broker/kafka/group/protocol.ts'
import { mulberry32 } from '../../../src/simulate/mulberry32.ts'
import type { Figure, Value } from '../../harness/bench.ts'
import { median, quantile } from '../../harness/quantile.ts'
import type { Stage } from '../../stages/stage.ts'
import { Churn, type Rebalance } from './churn.ts'

const NODES = 50
/** So many nodes are there at most and at least while they come and go. */
const MOST = 60
const FEWEST = 40
const CHANGES = 1_000

interface Market {
  readonly name: string
  /** How many topics there are, and how many partitions each of them has. */
  readonly topics: readonly (readonly [topics: number, partitions: number])[]
}

const ONE: Market = { name: '600 partitions of one topic', topics: [[1, 600]] }
const MIXED: Market = {
  name: '600 of 57 topics',
  topics: [
    [4, 100],
    [2, 60],
    [1, 30],
    [50, 1],
  ],
}
const TOGETHER: Market = { name: '600 of six equal topics', topics: [[6, 100]] }
const MARKETS = [ONE, MIXED, TOGETHER]
const LARGE: readonly Market[] = [
  { name: '10,000 partitions of one topic', topics: [[1, 10_000]] },
  { name: '10,000 topics of one partition', topics: [[10_000, 1]] },
]

function churnOf({ topics }: Market, seed: number): Churn {
  const counts = topics.flatMap(([many, partitions]) =>
    Array.from({ length: many }, (_, topic) => [`prices-${partitions}-${topic}`, partitions] as const),
  )
  return new Churn({ counts: new Map(counts), random: mulberry32(seed) })
}

/** Who gets which partitions while nodes join and leave at random, without a Kafka. The same on every machine, but for the times. */
export function* assignments(stage: Stage): Iterable<Figure> {
  for (const market of MARKETS) yield* churned(stage, market)
  for (const market of LARGE) yield* sharedOut(market)
}

function* churned(stage: Stage, market: Market): Iterable<Figure> {
  const random = mulberry32(2)
  const churn = churnOf(market, 1)
  const change = (): void => {
    const joins = churn.nodes <= FEWEST || (churn.nodes < MOST && random() < 0.5)
    if (joins) churn.join()
    else churn.leave()
  }
  for (let node = 0; node < NODES; node++) churn.rebalance([() => churn.join()])
  yield figure(`${market.name}: bytes of the group's record, ${NODES} nodes`, 'B', groupBytes(churn))
  const one = Array.from({ length: stage.amount(CHANGES, 100) }, () => churn.rebalance([change]))
  const five = Array.from({ length: stage.amount(CHANGES / 5, 20) }, () => churn.rebalance(Array(5).fill(change)))
  yield* figuresOf(market.name, churn.partitions, one)
  yield figure(`${market.name}: moved on within a rebalance`, 'partitions', sum(one, 'detours'))
  yield figure(`${market.name}: most generations`, '', mostGenerations(one))
  yield figure(`${market.name}: most generations, five changes at once`, '', mostGenerations(five))
  yield figure(`${market.name}: times that a partition moves, rolling restart`, '', rollingRestart(churn))
}

function* figuresOf(name: string, partitions: number, changes: readonly Rebalance[]): Iterable<Figure> {
  const moved = sum(changes, 'moved')
  const imbalances = changes.map(({ imbalance }) => imbalance)
  yield figure(`${name}: moved ÷ had to move`, 'ratio', moved / (moved - sum(changes, 'needless')))
  yield figure(`${name}: stay at a change`, '%', 100 * (1 - moved / (partitions * changes.length)))
  yield figure(`${name}: busiest node ÷ mean, median`, 'ratio', median(imbalances))
  yield figure(`${name}: busiest node ÷ mean, highest`, 'ratio', quantile(imbalances, 1))
}

/** Every node leaves and comes back, one after the other. */
function rollingRestart(churn: Churn): number {
  let moved = 0
  for (let node = 0; node < churn.nodes; node++)
    for (const change of [() => churn.leave(0), () => churn.join()]) moved += churn.rebalance([change]).moved
  return moved / churn.partitions
}

/** What the leader does for a first assignment, and for one that moves nothing. */
function* sharedOut(market: Market): Iterable<Figure> {
  const first: number[] = []
  const again: number[] = []
  for (let round = 0; round < 3; round++) {
    const churn = churnOf(market, round)
    for (let node = 0; node < NODES; node++) churn.join()
    first.push(msOf(() => churn.generation()))
    again.push(msOf(() => churn.generation()))
    if (round === 0) yield figure(`${market.name}: bytes of the group's record, ${NODES} nodes`, 'B', groupBytes(churn))
  }
  yield figure(`${market.name}: shared out among ${NODES} nodes`, 'ms', median(first))
  yield figure(`${market.name}: shared out once more`, 'ms', median(again))
}

/** Kafka writes what every member subscribes to, holds and is assigned into one record. */
function groupBytes({ members }: Churn): number {
  return members.reduce((bytes, { memberId: _, ...subscription }) => {
    const { length } = encodeAssignment({ partitions: subscription.owned, isMoreToCome: false })
    return bytes + encodeSubscription(subscription).length + length
  }, 0)
}

function msOf(work: () => void): number {
  const startMs = performance.now()
  work()
  return performance.now() - startMs
}

function sum(changes: readonly Rebalance[], key: 'moved' | 'needless' | 'detours'): number {
  return changes.reduce((total, each) => total + each[key], 0)
}

function mostGenerations(changes: readonly Rebalance[]): number {
  return Math.max(...changes.map(({ generations }) => generations))
}

function figure(name: string, unit: string, value: number): Value {
  return { kind: 'value', case: `assignments, ${name}`, unit, value }
}
