import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { changeShared, sharedSettings } from '../../../bin/shared/shared-settings.ts'
import { controlKey, encodeControl } from '../../../schemas/control/control-record.ts'
import { createMemoryBroker, type MemoryBroker } from '../../../src/broker/memory/broker.ts'
import { withAdmin } from '../../../src/broker/with-admin.ts'
import { acceptedConfig } from '../../../src/config/load.ts'
import { until } from '../../harness/until.ts'
import { onStage } from '../../node/stage.ts'

let broker: MemoryBroker

beforeEach(() => {
  broker = createMemoryBroker({ partitions: { 'forewarm-control': 1 } })
})

afterEach(() => broker.close())

const LOADED = acceptedConfig({ env: { WARMING_MAX_PAIRS: '6' } })

const AUTHOR = { by: 'an operator' }

describe('settings for all nodes of a service', () => {
  test('are set and taken back, and the settings before and after are told', async () => {
    expect(await sharedSettings(broker, LOADED)).toMatchObject({ version: 0, set: {} })
    const set = { WARMING_MAX_PAIRS: '4', LOOK_AHEAD: 'off' }
    const { before, after } = await changeShared(broker, LOADED, { ...AUTHOR, set, unset: [] })
    expect([before.version, after.version, after.set]).toEqual([0, 1, set])
    expect(before.settings).toContainEqual({ name: 'WARMING_MAX_PAIRS', value: '6', origin: 'environment' })
    expect(after.settings).toContainEqual({ name: 'WARMING_MAX_PAIRS', value: '4', origin: 'control' })
    const back = await changeShared(broker, LOADED, { ...AUTHOR, set: {}, unset: ['LOOK_AHEAD'] })
    expect(back.after).toMatchObject({ version: 2, set: { WARMING_MAX_PAIRS: '4' } })
    expect(await sharedSettings(broker, LOADED)).toEqual(back.after)
  })

  test('are refused before anything is written, with every fault', async () => {
    const set = { WARMING_MAX_PAIRS: '0', WARMING_MIN_SCOR: '1', KAFKA_BROKERS: 'a:1' }
    await expect(changeShared(broker, LOADED, { ...AUTHOR, set, unset: [] })).rejects.toMatchObject({
      code: 'bad-config',
      message: [
        'WARMING_MIN_SCOR (control): got an unknown name; allowed: did you mean WARMING_MIN_SCORE?',
        'KAFKA_BROKERS (control): got a change while the node runs; allowed: a value at start alone: the connections to the brokers are made with it',
        'WARMING_MAX_PAIRS (control): got "0"; allowed: a whole number from 1 to 1000',
      ].join('\n'),
    })
    await expect(changeShared(broker, LOADED, { ...AUTHOR, set: {}, unset: ['LOOK_AHEAD'] })).rejects.toMatchObject({
      ...{
        code: 'refused',
        message:
          'LOOK_AHEAD: not set for all nodes, so that nothing can be taken back; `forewarm config shared` shows what is',
      },
    })
    const [{ high } = { high: -1n }] = await withAdmin(broker, (admin) => admin.offsets('forewarm-control'))
    expect(high).toBe(0n)
  })

  test('of two operators at once, those of one are in force, and the other is told', async () => {
    const changes = ['3', '4'].map((pairs) =>
      changeShared(broker, LOADED, { by: `operator ${pairs}`, set: { WARMING_MAX_PAIRS: pairs }, unset: [] }),
    )
    const outcomes = await Promise.allSettled(changes)
    const { set, version } = await sharedSettings(broker, LOADED)
    if (version === 2) expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true)
    else {
      const lost = outcomes.filter(({ status }) => status === 'rejected')
      expect(lost).toMatchObject([
        {
          reason: { message: `operator ${set.WARMING_MAX_PAIRS} was faster: version 1 is in force, and yours is not` },
        },
      ])
    }
  })

  test('are set from the version that the operator has seen alone, if that is given', async () => {
    const change = (pairs: string, base: number) =>
      changeShared(broker, LOADED, { ...AUTHOR, set: { WARMING_MAX_PAIRS: pairs }, unset: [], base })
    await expect(change('3', 1)).rejects.toMatchObject({ message: 'there is no version 1: nothing was ever set' })
    expect(await change('3', 0)).toMatchObject({ after: { version: 1 } })
    await expect(change('4', 0)).rejects.toMatchObject({
      message: 'an operator was faster: version 1 is in force, and yours is not',
    })
    expect(await change('4', 1)).toMatchObject({ after: { version: 2, set: { WARMING_MAX_PAIRS: '4' } } })
  })

  test('that nodes with the settings of this machine refuse are told with the reason', async () => {
    const producer = broker.producer()
    await producer.connect()
    const value = encodeControl({ v: 1, id: 'x', version: 4, by: 'ben', atMs: 1, value: { LATER_SETTING: 1 } })
    const record = { partition: 0, key: controlKey('default', 'config'), value }
    await producer.sendBatch('forewarm-control', [record])
    const told = /^version 4, set by ben, is refused by nodes with the settings of this machine: LATER_SETTING/
    expect(await sharedSettings(broker, LOADED)).toMatchObject({ version: 4, trouble: expect.stringMatching(told) })
    await producer.close()
  })

  test('are those of the nodes that run, and of a node that starts later', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const early = await stage.startNode()
      const { service, kafka } = { service: stage.service, kafka: early.config.kafka }
      const loaded = acceptedConfig({ env: {}, overrides: { node: { service }, kafka } })
      await changeShared(stage.broker, loaded, { ...AUTHOR, set: { WARMING_MAX_PAIRS: '2' }, unset: [] })
      await until('the node follows', () => early.config.warming.maxPairs === 2)
      const late = await stage.startNode()
      await until('the late node has read it', () => late.config.warming.maxPairs === 2)
      expect([early, late].map((node) => node.getConfig().origins.WARMING_MAX_PAIRS)).toEqual(['control', 'control'])
      await changeShared(stage.broker, loaded, { ...AUTHOR, set: {}, unset: ['WARMING_MAX_PAIRS'] })
      await until('both go back to their own', () => [early, late].every(({ config }) => config.warming.maxPairs === 8))
    })
  })
})
