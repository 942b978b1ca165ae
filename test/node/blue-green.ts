import { expect } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { parseLeader } from '../../schemas/correlations/leader-record.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { type Stage, updateOf } from './stage.ts'
import { differences, known, PAIRS, siblings, teach } from './teaching.ts'

/** A service (blue) and the one that is to replace it (green), over the topics and the Redis of the stage. */
export async function blueGreen(stage: Stage, chain: string): Promise<void> {
  const [blueName, greenName] = [stage.service, uniqueName('green')]
  const options = (service: string, from?: string) => ({
    detectors: [siblings([chain])],
    config: {
      node: { service },
      warming: { controlShare: 0 },
      ...(from !== undefined && { correlation: { from } }),
    },
  })
  const blue = await stage.startNode(options(blueName))
  await teach(stage, blue, [chain])
  const learned = known(blue, chain)
  expect(learned).toHaveLength(PAIRS * 3)
  await blue.close()
  const again = await stage.startNode(options(blueName))

  // Green has what blue has learned, and knows it before its first update.
  const alone = await stage.startNode(options(uniqueName('alone')))
  const green = await stage.startNode(options(greenName, blueName))
  expect([green.stats().updates, known(alone, chain)]).toEqual([0, []])
  expect(differences(known(green, chain), learned)).toEqual([])

  await eachHandlesAll(stage, chain, [again, green])
  await readsAreImported(again, await stage.startNode(options(uniqueName('late'))))
  await rolloutsAreApart(again, green)
  await requestsAreApart(stage, chain, { blue: again, green })

  // Each has written under its own name alone, and blue goes on from its own.
  const records = await stage.watch(stage.topics.correlations, 'earliest')
  const atTheEnd = known(again, chain)
  await Promise.all([again.close(), green.close()])
  const last = await stage.startNode(options(blueName))
  expect(differences(known(last, chain), atTheEnd)).toEqual([])
  const writersOf = (service: string) =>
    new Set(
      records.filter(({ key }) => key?.toString().startsWith(`${service}\0`)).flatMap(({ value }) => writerOf(value)),
    )
  await until('green has written', () => writersOf(greenName).size === 1)
  const [ofGreen = ''] = writersOf(greenName)
  expect([writersOf(blueName).has(ofGreen), writersOf(blueName).size]).toEqual([false, 2])
}

async function eachHandlesAll(stage: Stage, chain: string, nodes: readonly ForewarmNode[]): Promise<void> {
  const before = nodes.map((node) => node.stats().updates)
  await stage.produce(...Array.from({ length: PAIRS }, (_, pair) => updateOf(`P${pair}`, { chain })))
  await until('each service handles all', () =>
    nodes.every((node, at) => node.stats().updates === (before[at] ?? 0) + PAIRS),
  )
}

/** A new service gets what blue remembers of reads by `curl … | curl -X PUT … -d @-`. */
async function readsAreImported(blue: ForewarmNode, late: ForewarmNode): Promise<void> {
  const urlOf = (node: ForewarmNode) => `http://127.0.0.1:${node.httpPort}/cache/predictor/patterns`
  const total = (node: ForewarmNode) => node.predictor.stats().totalAccesses
  expect([total(blue) > 0, total(late)]).toEqual([true, 0])
  const body = await (await fetch(urlOf(blue))).text()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await fetch(urlOf(late), { method: 'PUT', headers, body })).status).toBe(200)
  expect(total(late)).toBe(total(blue))
}

async function rolloutsAreApart(blue: ForewarmNode, green: ForewarmNode): Promise<void> {
  expect(await green.rollout.set({ mode: 'shadow' })).toMatchObject({ status: 'set' })
  expect(await blue.rollout.kill({ reason: 'a drill' })).toMatchObject({ status: 'set' })
  await until('green follows its own', () => green.rollout.status().mode === 'shadow')
  expect(green.rollout.status().set).toMatchObject({ killed: false, version: 1 })
  expect(await blue.rollout.set({ mode: 'canary', percent: 7, killed: false })).toMatchObject({ status: 'set' })
  await until('blue follows its own', () => blue.rollout.status().mode === 'canary')
  expect([blue, green].map((node) => node.rollout.status().set.version)).toEqual([2, 1])
}

/** A warm request of blue is answered by blue, and green passes it over. */
async function requestsAreApart(
  stage: Stage,
  chain: string,
  { blue, green }: Readonly<Record<'blue' | 'green', ForewarmNode>>,
): Promise<void> {
  const results = await stage.watch(stage.topics.warmResults)
  const publisher = await stage.warmPublisher()
  const passedOver = () => metricValue(green, 'arbitrage_warm_requests_refused_total', { reason: 'other-service' })
  // On a busy machine reads are late, and nodes ask for warms by themselves.
  const before = await passedOver()
  const receipt = await publisher.request({ chain, pairs: ['P1'], wait: true })
  expect(receipt).toMatchObject({ status: 'answered', result: { node: blue.id, service: stage.service } })
  await until('green has passed it over', async () => (await passedOver()) > before)
  const answered = results.map(({ value }) => JSON.parse(`${value}`).requestId)
  expect(answered.filter((id) => id === receipt.requestId)).toHaveLength(1)
}

function writerOf(value: Buffer | string | null | undefined): readonly string[] {
  const parsed = value ? parseLeader(Buffer.from(value)) : undefined
  return parsed?.ok === true ? [parsed.value.by] : []
}
