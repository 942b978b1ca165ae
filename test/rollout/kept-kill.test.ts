import { describe, expect, test } from '@jest/globals'
import type { ControlRecord } from '../../schemas/control/control-record.ts'
import { until } from '../harness/until.ts'
import { FULL, handleStage, type Written } from './handle-stage.ts'

const AWAY: Written = { status: 'failed', reason: 'Kafka is away' }

function recordOf(version: number, killed: boolean, by = 'ana'): ControlRecord {
  return { v: 1, id: `${version}`, version, by, atMs: 1_000, value: { ...FULL, killed } }
}

/** A node whose kill Kafka does not take, until `isBack`. */
async function killedAlone() {
  const kafka = { isBack: false, current: undefined as ControlRecord | undefined, sent: 0 }
  const made = handleStage({
    current: () => kafka.current,
    set: async (_, { by, value }) => {
      kafka.sent++
      if (!kafka.isBack) return AWAY
      kafka.current = { ...recordOf((kafka.current?.version ?? 0) + 1, value.killed === true, by), value }
      made.rollout.set({ ...FULL, killed: value.killed === true })
      return { status: 'won', record: kafka.current }
    },
  })
  const outcome = await made.handle.kill({ by: 'ana', reason: 'misses' })
  return { ...made, kafka, outcome }
}

describe('a kill that Kafka does not take', () => {
  test('holds on its node whatever others set, and its status and answer say so', async () => {
    const { rollout, handle, outcome } = await killedAlone()
    expect(outcome).toEqual({
      status: 'failed',
      reason: 'Kafka is away; this node warms nothing, and sends the kill until Kafka takes it',
    })
    rollout.set({ ...FULL, controlShare: 0.1 })
    expect([rollout.way, rollout.isKilled]).toEqual(['off', true])
    expect(handle.status()).toMatchObject({
      mode: 'off',
      offBecause: 'it is killed here: Kafka has not taken the kill of ana yet, which is sent until it has',
    })
  })

  test('is sent again until Kafka takes it, and is then lifted like any other', async () => {
    const { rollout, kafka, ring, planned } = await killedAlone()
    ring()
    await until('it was sent again', () => kafka.sent === 2 && planned.size === 1)
    kafka.isBack = true
    ring()
    await until('Kafka has it', () => rollout.keptKill === undefined)
    expect(kafka.current).toMatchObject({ by: 'ana', value: { killed: true } })
    expect(rollout.offBecause).toBe('it is killed')
    expect(planned.size).toBe(0)
    rollout.set(FULL)
    expect(rollout.way).toBe('full')
  })

  test('is not sent again if Kafka had taken it all the same, though it was lifted since', async () => {
    const { rollout, kafka, ring } = await killedAlone()
    kafka.current = { ...recordOf(2, false, 'ben'), past: [recordOf(1, true)] }
    ring()
    await until('it is over', () => rollout.keptKill === undefined)
    expect(kafka.sent).toBe(1)
    expect(rollout.way).toBe('full')
  })

  test('is not sent while another kill is in force', async () => {
    const { rollout, kafka, ring } = await killedAlone()
    kafka.current = recordOf(7, true, 'ben')
    ring()
    await until('it is over', () => rollout.keptKill === undefined)
    expect(kafka.sent).toBe(1)
  })

  test('is kept behind an older kill of the same operator that was lifted before', async () => {
    const { rollout, kafka, ring, planned } = await killedAlone()
    kafka.current = { ...recordOf(2, false, 'ben'), past: [{ ...recordOf(1, true), atMs: 999 }] }
    ring()
    await until('it was sent again', () => kafka.sent === 2 && planned.size === 1)
    expect(rollout.way).toBe('off')
  })

  test('is over once an operator lifts it on the node, though Kafka is away', async () => {
    const { rollout, handle, planned } = await killedAlone()
    expect(await handle.set({ killed: false })).toEqual({
      status: 'failed',
      reason: 'Kafka is away; but the kill that this node alone kept is lifted',
    })
    expect(rollout.way).toBe('full')
    expect(planned.size).toBe(0)
  })

  test('stays when a change is not about it, or is refused', async () => {
    const { rollout, handle, planned } = await killedAlone()
    await handle.set({ mode: 'full' })
    await handle.set({ killed: false, percent: 101 })
    expect(rollout.way).toBe('off')
    expect(planned.size).toBe(1)
  })

  test('is over when another kill reaches Kafka', async () => {
    const { rollout, handle, kafka, planned } = await killedAlone()
    kafka.isBack = true
    expect(await handle.kill({ by: 'ben' })).toMatchObject({ status: 'set' })
    expect([rollout.keptKill, planned.size]).toEqual([undefined, 0])
  })

  test('is given up when the node closes', async () => {
    const { kept, planned } = await killedAlone()
    kept.close()
    kept.close()
    expect(planned.size).toBe(0)
  })
})

test('a kill of a node that has not started says so, holds, and is sent once the node follows what is set', async () => {
  let hasStarted = false
  const sent: unknown[] = []
  const { rollout, handle, ring } = handleStage({
    hasStarted: () => hasStarted,
    set: async (_, asked) => {
      sent.push(asked)
      return { status: 'won', record: recordOf(1, true) }
    },
  })
  expect(await handle.kill()).toMatchObject({ status: 'failed', reason: expect.stringContaining('has not started') })
  rollout.set(FULL)
  expect(rollout.way).toBe('off')
  ring()
  expect(sent).toEqual([])
  hasStarted = true
  ring()
  await until('it was sent', () => sent.length === 1)
  expect(sent).toMatchObject([{ forced: true, value: { killed: true } }])
})
