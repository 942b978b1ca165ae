import { expect, test } from '@jest/globals'
import { rolloutHandle } from '../../node/rollout/handle.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { Rollout } from '../../src/rollout/rollout.ts'
import type { RolloutControl } from '../../src/rollout/rollout-change.ts'
import type { RolloutValue } from '../../src/rollout/rollout-value.ts'

const FULL: RolloutValue = { mode: 'full', chains: 'all', percent: 100, controlShare: 0, killed: false }

type Written = Awaited<ReturnType<RolloutControl['set']>>

/** The handle of a node that has started, unless it is said otherwise; `written` is what becomes of what it sets. */
function nodeWith(written: Promise<Written>, hasStarted = true) {
  const rollout = new Rollout({ table: new PairTable({ maxPairs: 10 }), value: FULL })
  const control: RolloutControl = { current: () => undefined, set: () => written }
  const handle = rolloutHandle({
    ...{ id: 'node', config: defaultConfig(), isReplay: false },
    caches: { table: new PairTable({ maxPairs: 10 }), rollout, shadow: { figures: undefined } },
    control: () => (hasStarted ? control : undefined),
  })
  return { rollout, handle }
}

test('what another operator has set before a kill does not lift it while it is on its way', async () => {
  const { promise, resolve } = Promise.withResolvers<Written>()
  const { rollout, handle } = nodeWith(promise)
  const killing = handle.kill()
  rollout.set({ ...FULL, controlShare: 0.1 })
  expect([rollout.way, rollout.offBecause]).toEqual(['off', 'it is killed'])
  const value = { ...FULL, killed: true }
  rollout.set(value)
  resolve({ status: 'won', record: { v: 1, id: 'k', version: 2, by: 'node', atMs: 1, value: { ...value } } })
  expect(await killing).toMatchObject({ status: 'set', rollout: { killed: true } })
  rollout.set(FULL)
  expect(rollout.way).toBe('full')
})

test('a kill that Kafka does not take holds on its node, until somebody sets another rollout', async () => {
  const { promise, resolve } = Promise.withResolvers<Written>()
  const { rollout, handle } = nodeWith(promise)
  const killing = handle.kill()
  rollout.set({ ...FULL, controlShare: 0.1 })
  resolve({ status: 'failed', reason: 'Kafka is away' })
  expect(await killing).toMatchObject({ status: 'failed' })
  expect([rollout.way, rollout.value.controlShare]).toEqual(['off', 0.1])
  rollout.set(FULL)
  expect(rollout.way).toBe('full')
})

test('a kill of a node that has not started says that the other nodes do not know of it', async () => {
  const { rollout, handle } = nodeWith(
    Promise.reject(new Error('not asked')).catch(() => failed),
    false,
  )
  expect(await handle.kill()).toMatchObject({ status: 'failed', reason: expect.stringContaining('has not started') })
  expect(rollout.way).toBe('off')
})

const failed: Written = { status: 'failed', reason: 'not asked' }
