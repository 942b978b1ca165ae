import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { number } from '../../../bench/harness/table.ts'

const PATH = join(resolve(import.meta.dirname, '../../..'), 'docs/scaling.md')
const UPDATES = 1_000_000
const PAIRS = 1_000_000
const NODES = 50
const PARTITIONS_A_NODE = 12
const CHAINS = 60
const MASTERS = 16
/** How much busier one partition is than the others. */
const BUSY = 10
/** The share of a core that is used when all goes well. */
const LOAD = 0.5
const MICROS = 1_000_000
const MB = 1_000_000
/** The largest record that Kafka takes by default. */
const LARGEST_RECORD = 1_048_588
const ASKED_TOPICS = 10_000

const text = readFileSync(PATH, 'utf8')

/** What the document says was measured, by its letter. */
function measured(letter: string): number {
  const row = new RegExp(`^\\| ${letter} \\|[^|]+\\| ([\\d.]+) \\|`, 'm').exec(text)
  if (row === null) throw new Error(`docs/scaling.md has no figure ${letter}`)
  return Number(row[1])
}

/** Values that Redis gets a second, if updates come independently of each other, equally often or after Zipf. */
function entries(isZipf: boolean, seconds: number): number {
  const { exp } = Math
  const updates = UPDATES * seconds
  if (!isZipf) return (PAIRS * (1 - exp(-updates / PAIRS))) / seconds
  let [sum, changed] = [0, 0]
  for (let pair = 1; pair <= PAIRS; pair++) sum += 1 / pair
  for (let pair = 1; pair <= PAIRS; pair++) changed += 1 - exp(-updates / (sum * pair))
  return changed / seconds
}

type Cells = readonly (string | number)[]

function tableOf(head: Cells, rows: readonly Cells[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`)
  return lines.join('').replace('| --- |', '|---|').replaceAll(' --- |', '---|')
}

function nodes(): string {
  const [update, imbalance] = [measured('a'), measured('m')]
  const rows = [0, 1, 10, 50].map((detectors) => {
    const each = update + detectors
    const count = Math.ceil((UPDATES * each * imbalance) / (LOAD * MICROS))
    const most = Math.floor((LOAD * MICROS) / each / 1_000) * 1_000
    return [`${detectors} µs`, count, number(PARTITIONS_A_NODE * count), number(most)]
  })
  const most = 'updates/s of one partition, at most: 0.5 s ÷ (a + theirs)'
  return tableOf(['detectors take, an update', 'nodes: 10⁶ × (a + theirs) × m ÷ 0.5 s', 'partitions', most], rows)
}

function redis(): string {
  const [perSecond, bytes] = [measured('c'), measured('d')]
  const rows = [10, 100, 1_000].flatMap((flushMs) =>
    [false, true].map((isZipf) => {
      const written = Math.round(entries(isZipf, flushMs / 1_000) / 1_000) * 1_000
      const masters = Math.ceil(written / (LOAD * perSecond))
      const change = isZipf ? 'after Zipf' : 'all equally often'
      return [`${number(flushMs)} ms`, change, number(written), masters, megabytes(written * bytes, '/s')]
    }),
  )
  const head = ['L2_FLUSH_MS', 'pairs change', 'entries/s', 'masters: entries ÷ (0.5 × c)', 'to Redis: entries × d']
  return tableOf(head, rows)
}

function others(): string {
  const perSecond = measured('l')
  const fences = NODES * perSecond
  const freshness = (fences * measured('g') + NODES * measured('s') * measured('j')) / MICROS
  const topics = Math.floor((LARGEST_RECORD * ASKED_TOPICS) / measured('n'))
  const rows: Cells[] = [
    ['Kafka to the nodes', '10⁶ × b', megabytes(UPDATES * measured('b'), '/s')],
    ['Redis, memory of 10⁶ pairs, without replicas', '10⁶ × e', megabytes(PAIRS * measured('e'))],
    ['a node that has all pairs in L1', 'f', `${measured('f')} MB`],
    ['50 nodes, connections to one broker', '50 × o', number(NODES * measured('o'))],
    ['50 nodes that read foreign pairs, connections to one Redis', '50 × (p + 2)', NODES * (measured('p') + 2)],
    ['one Redis, stamps and fences of 50 nodes, 600 partitions', '50 × (l × g + s × j)', ofACore(freshness)],
    ['out of it, fences of 50 nodes, 600 partitions', '50 × l × i', megabytes(fences * measured('i'), '/s')],
    ['a node, its fences, 600 partitions', 'l × h', ofACore((perSecond * measured('h')) / MICROS)],
    [
      'each of 16 masters, 50 nodes that all read pairs of 60 chains, 600 partitions',
      '50 × 60 × (l × g + s × j) ÷ 16',
      ofACore((freshness * CHAINS) / MASTERS),
    ],
    [
      'nodes whose fences take half of a Redis, 10,000 partitions',
      '0.5 s ÷ (t × k)',
      Math.floor((LOAD * MICROS) / (measured('t') * measured('k'))),
    ],
    ['topics that 50 nodes can subscribe to, by default', '10,000 × 1,048,588 B ÷ n', number(topics)],
  ]
  return tableOf(['what', 'how', 'figure'], rows)
}

/** What one busy partition does to the node that has it. */
function busy(): string {
  const rows = [1, 4, 12, 24].map((partitions) => {
    const mean = 1 + (BUSY - 1) / (NODES * partitions)
    return [partitions, ((partitions + BUSY - 1) / partitions / mean).toFixed(1)]
  })
  return tableOf(['partitions a node', 'updates of the node that has it ÷ mean, 50 nodes'], rows)
}

function megabytes(bytes: number, each = ''): string {
  return `${number(Math.round(bytes / MB))} MB${each}`
}

function ofACore(share: number): string {
  return `${Math.round(100 * share)} % of its core`
}

test('the arithmetic of docs/scaling.md is that of its measured figures', () => {
  let whole = text
  for (const [name, table] of Object.entries({ nodes: nodes(), redis: redis(), others: others(), busy: busy() })) {
    const [before = '', rest = ''] = whole.split(`<!-- ${name} -->\n`)
    const [, after = ''] = rest.split(`<!-- /${name} -->`)
    whole = `${before}<!-- ${name} -->\n${table}<!-- /${name} -->${after}`
  }
  if (process.env.UPDATE_DOCS === '1') writeFileSync(PATH, whole)
  else expect(text).toBe(whole)
})
