import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../../node/node.ts'
import type { BrokerEvent } from '../../../src/broker/port.ts'
import { until } from '../../harness/until.ts'
import { newChain, onKafka } from '../../node/kafka-stage.ts'
import { Ledger } from '../../node/ledger.ts'
import { get } from '../../node/scrape.ts'

const PARTITIONS = 4
/** Uncommitted updates of a moved partition come again, so even a busy Kafka gets the time to commit them. */
const PATIENT = { closeTimeoutMs: 30_000 }

/** A close that did not wait for its handlers would leave their updates uncommitted, to be handled again. */
const DRAINING = { config: { node: { drainTimeoutMs: 60_000 } } }

/** Updates sent but not handled: enough to keep the nodes busy, and few enough for a slow machine to finish. */
const MOST_WAITING = 10_000

/** Keeps sending until it is stopped. */
function sending(ledger: Ledger, slice: number): { stop(): Promise<void> } {
  let isOn = true
  const sent = (async () => {
    while (isOn) {
      await until('there is room', () => !isOn || ledger.sent - ledger.handled < MOST_WAITING, { timeoutMs: 120_000 })
      await ledger.send(slice)
    }
  })()
  return {
    stop: async () => {
      isOn = false
      await sent
    },
  }
}

const isReady = async (node: ForewarmNode) => (await get(node, '/readyz')).status === 200

test('a node that restarts under load loses no update and handles none twice', async () => {
  await onKafka({ partitions: PARTITIONS, broker: PATIENT }, async (stage) => {
    const chains = Array.from({ length: PARTITIONS }, (_, partition) => newChain(stage, partition))
    const ledger = new Ledger(stage, chains)
    let node = await stage.startNode({ ...DRAINING, detectors: [ledger.detector(nextTurn)] })
    const load = sending(ledger, 200)
    for (let restart = 0; restart < 3; restart++) {
      const before = ledger.handled
      await until('it is in full flow', () => ledger.handled > before + 2_000)
      await node.close()
      node = await stage.startNode({ ...DRAINING, detectors: [ledger.detector(nextTurn)] })
    }
    await load.stop()
    await until('all are handled', () => ledger.handled === ledger.sent)
    expect({ missing: ledger.missing, repeated: ledger.repeated }).toEqual({ missing: [], repeated: [] })
  })
})

test('when one of two nodes leaves, no update is lost or repeated, and no node sees a pair go back', async () => {
  await onKafka({ partitions: PARTITIONS, broker: PATIENT }, async (stage) => {
    const chains = Array.from({ length: PARTITIONS }, (_, partition) => newChain(stage, partition))
    const ledger = new Ledger(stage, chains)
    const first = await stage.startNode({ ...DRAINING, detectors: [ledger.detector(nextTurn)] })
    const load = sending(ledger, 50)
    await until('the first handles all', () => first.stats().updates > 500)
    const second = await stage.startNode({ ...DRAINING, detectors: [ledger.detector(nextTurn)] })
    await until('both handle', () => second.stats().updates > 500)
    await until('both are ready', async () => (await isReady(first)) && (await isReady(second)))
    const alone = first.stats().updates
    await until('the first still handles its share', () => first.stats().updates > alone + 500)
    await first.close()
    const left = second.stats().updates
    await until('the second handles on', () => second.stats().updates > left + 500)
    await load.stop()
    await until('all are handled', () => ledger.handled === ledger.sent)
    expect({ missing: ledger.missing, wentBack: ledger.wentBack }).toEqual({ missing: [], wentBack: 0 })
    expect(ledger.repeated).toEqual([])
  })
})

test('handlers that time out one after another do not cost the node its partitions', async () => {
  const events: string[] = []
  const onEvent = (event: BrokerEvent) =>
    void events.push(event.type === 'rebalance' ? `rebalance of ${event.groupId}` : event.type)
  const impatient = { stuckAfterMs: 3_000, heartbeatIntervalMs: 100, onEvent }
  await onKafka({ broker: impatient }, async (stage) => {
    const ledger = new Ledger(stage, [newChain(stage)])
    const never = new Promise<void>(() => undefined)
    const config = { node: { detectorTimeoutMs: 60 } }
    await stage.startNode({ detectors: [ledger.detector(() => never)], config })
    // Seven pairs at a time run into their timeout, which takes twice as long in all as a batch may take silently.
    await ledger.send(7 * 100)
    await until('the group knows', async () => (await stage.committed()) === 7 * 100)
    expect(events).not.toContain('stuck')
    const rebalances = events.filter((event) => event.startsWith('rebalance'))
    expect(rebalances).toContain(`rebalance of forewarm.${stage.service}`)
    expect(rebalances).toEqual([...new Set(rebalances)])
    expect(ledger.repeated).toEqual([])
  })
})
