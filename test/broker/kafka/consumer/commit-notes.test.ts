import { expect, test } from '@jest/globals'
import { commitNote, groupPast } from '../../../../src/broker/kafka/consumer/commit-notes.ts'
import { Topics } from '../../../../src/broker/kafka/consumer/topics.ts'
import { Cluster } from '../../../../src/broker/kafka/wire/cluster.ts'

const [FIRST, SECOND] = ['1'.repeat(32), '2'.repeat(32)]
const GENERATION = 5
const NEW = commitNote(GENERATION, SECOND)

/** `committed`: the offset and the note of each partition of the topic, whose id is SECOND; undefined where none is. */
function pastOf(committed: readonly (readonly [offset: bigint, note: string] | undefined)[]) {
  const topics = new Topics(new Cluster({ brokers: ['127.0.0.1:1'], clientId: 'notes' }))
  const partitions = committed.map((_, partition) => ({ partition, leader: 1 }))
  topics.note({ error: 0, topic: 't', id: SECOND, isInternal: false, partitions })
  const answers = committed.map((one, partition) => ({
    ...{ topic: 't', partition, error: 0 },
    ...{ offset: one?.[0], note: one?.[1] ?? '' },
  }))
  const { known, noteOf, isNew } = groupPast({ answers, generation: GENERATION, topics })
  const newOnes = partitions.filter(({ partition }) => isNew({ topic: 't', partition }))
  const notes = partitions.map(({ partition }) => noteOf({ topic: 't', partition }))
  return { known: [...known.values()], notes, newOnes: newOnes.map(({ partition }) => partition) }
}

test('a partition without a commit is new where an earlier generation committed another one of its topic', () => {
  const note = commitNote(GENERATION - 1, SECOND)
  expect(pastOf([[7n, note], undefined])).toMatchObject({ known: [7n], notes: [note, NEW], newOnes: [0, 1] })
})

test('a partition without a commit is not new where all commits are of this generation', () => {
  expect(pastOf([[7n, commitNote(GENERATION, SECOND)], undefined]).newOnes).toEqual([])
})

test('a partition without a commit is not new where its group has committed nothing', () => {
  expect(pastOf([undefined, undefined]).newOnes).toEqual([])
})

test('the commit of a topic that was deleted is not taken for one of the topic that has its name now', () => {
  expect(pastOf([[7n, commitNote(GENERATION, FIRST)], undefined])).toEqual({
    known: [],
    notes: [NEW, NEW],
    newOnes: [0, 1],
  })
})

test.each(['', 'somebody else wrote this', '4'])(
  'a commit with the note %j counts, as one of an earlier generation',
  (note) => {
    expect(pastOf([[7n, note], undefined])).toEqual({ known: [7n], notes: [NEW, NEW], newOnes: [0, 1] })
  },
)

test('a note has at most 40 characters', () => {
  expect(commitNote(2 ** 23, FIRST).length).toBeLessThanOrEqual(40)
})
