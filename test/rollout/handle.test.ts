import { expect, test } from '@jest/globals'
import { FULL, handleStage, type Written } from './handle-stage.ts'

/** The handle of a node; `written` is what becomes of what it sets. */
const nodeWith = (written: Promise<Written>) => handleStage({ set: () => written })

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
