import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import type { OutgoingRecord } from '../../src/broker/port.ts'
import { until } from '../harness/until.ts'
import { awayBroker, sendingThrough } from './output-broker.ts'
import { get } from './scrape.ts'
import { onStage } from './stage.ts'

const CONTROL = 'control.kept-kill'
const config = { kafka: { controlTopic: CONTROL } }

async function killCheck(node: ForewarmNode): Promise<unknown> {
  return JSON.parse((await get(node, '/readyz')).body).checks.kill
}

function put(node: ForewarmNode, body: object): Promise<Response> {
  return fetch(`http://127.0.0.1:${node.httpPort}/rollout`, { method: 'PUT', body: JSON.stringify(body) })
}

test('a kill that Kafka does not take holds on its node, says so, and is in force everywhere once Kafka is back', async () => {
  const { send, attempts, comesBack } = awayBroker()
  let isUp = true
  const broker = createMemoryBroker()
  const nodeBroker = sendingThrough(broker, CONTROL, (real, records) => (isUp ? real() : send(real, records)))
  await onStage({ broker, nodeBroker }, async (stage) => {
    const [one, other] = [await stage.startNode({ config }), await stage.startNode({ config })]
    isUp = false
    const answer = await put(one, { killed: true, by: 'ana' })
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      detail: expect.stringContaining('sends the kill until Kafka takes it'),
    })
    const sentence = 'it is killed here: Kafka has not taken the kill of ana yet, which is sent until it has'
    expect(one.rollout.status()).toMatchObject({ mode: 'off', offBecause: sentence, set: { killed: false } })
    expect(await killCheck(one)).toEqual({ status: 'degraded', reason: sentence })
    await until('it is sent again', () => attempts() > 1)
    comesBack()
    await until('all are killed', () => [one, other].every((node) => node.rollout.status().set.killed))
    await until('the node keeps nothing more', async () => (await killCheck(one)) === undefined)
    expect((await put(other, { killed: false })).status).toBe(200)
    await until('both warm again', () => [one, other].every((node) => node.rollout.status().mode === 'full'))
  })
})

test('a rollout that another node sets does not end a kill that Kafka has not taken', async () => {
  const { send, comesBack } = awayBroker()
  const broker = createMemoryBroker()
  const isKill = ({ value }: OutgoingRecord) => `${value}`.includes('"killed":true')
  const nodeBroker = sendingThrough(broker, CONTROL, (real, records) =>
    records.some(isKill) ? send(real, records) : real(),
  )
  await onStage({ broker, nodeBroker }, async (stage) => {
    const [one, other] = [await stage.startNode({ config }), await stage.startNode({ config })]
    expect(await one.rollout.kill({ by: 'ana' })).toMatchObject({ status: 'failed' })
    const set = await other.rollout.set({ mode: 'canary', percent: 60 }, { by: 'cyd' })
    expect(set).toMatchObject({ status: 'set' })
    await until('the node has heard of it', () => one.rollout.status().set.percent === 60)
    expect(one.rollout.status().mode).toBe('off')
    comesBack()
    await until('the kill is in force beside it', () => {
      const { killed, percent } = other.rollout.status().set
      return killed && percent === 60
    })
  })
})
