import { describe, expect, test } from '@jest/globals'
import { Acceptance, type ForeignTopic } from '../../consumers/acceptance.ts'
import { batchOf } from './batch.ts'

describe('a price topic', () => {
  test('is foreign when nearly all of twenty records are refused, and is told once with the first of them', () => {
    const { acceptance, told } = newStage()
    refuse(acceptance, 10)
    expect(acceptance.foreign).toEqual([])
    refuse(acceptance, 10)
    refuse(acceptance, 2_000)
    const first = { topic: 'prices', partition: 3, offset: 100n, reason: 'not-json', detail: 'Unexpected token' }
    expect(acceptance.foreign).toEqual([first])
    expect(told).toEqual([first])
  })

  test('is not foreign if it had many good records, however many are refused for a while', () => {
    const { acceptance, told } = newStage()
    acceptance.handled('prices', 1_000)
    refuse(acceptance, 400)
    expect([acceptance.foreign, told]).toEqual([[], []])
  })

  test('is not foreign any more when most of its records are read again', () => {
    const { acceptance, told } = newStage()
    refuse(acceptance, 1_000)
    acceptance.handled('prices', 200)
    expect(told).toHaveLength(1)
    acceptance.handled('prices', 2_000)
    expect(acceptance.foreign).toEqual([])
    expect(told).toEqual([expect.anything(), 'prices'])
  })

  test('is forgotten when its partitions go to another node', () => {
    const { acceptance } = newStage()
    refuse(acceptance, 20)
    acceptance.forget('prices')
    expect(acceptance.foreign).toEqual([])
  })

  test('is judged by its own records', () => {
    const { acceptance } = newStage()
    acceptance.handled('other', 1_000)
    refuse(acceptance, 20)
    expect(acceptance.foreign).toMatchObject([{ topic: 'prices' }])
  })
})

function newStage() {
  const told: (ForeignTopic | string)[] = []
  const tell = (what: ForeignTopic | string) => {
    told.push(what)
  }
  return { acceptance: new Acceptance({ topicForeign: tell, topicFamiliar: tell }), told }
}

/** A batch of records that are all refused. */
function refuse(acceptance: Acceptance, records: number): void {
  const values = Array.from({ length: records }, () => ({ value: 'x' }))
  const batch = batchOf(values, { partition: 3, baseOffset: 100n })
  for (let index = 0; index < records; index++)
    acceptance.refused({ batch, index, reason: 'not-json', detail: 'Unexpected token' })
  acceptance.handled('prices', records)
}
