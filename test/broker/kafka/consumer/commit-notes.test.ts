import { expect, test } from '@jest/globals'
import { commitNote, groupPast, keptNote } from '../../../../src/broker/kafka/consumer/commit-notes.ts'
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
  const { known, noteOf, isNew, isKept } = groupPast({ answers, generation: GENERATION, topics })
  const newOnes = partitions.filter(({ partition }) => isNew({ topic: 't', partition }))
  const notes = partitions.map(({ partition }) => noteOf({ topic: 't', partition }))
  const kept = partitions.map(({ partition }) => isKept({ topic: 't', partition }))
  return { known: [...known.values()], notes, newOnes: newOnes.map(({ partition }) => partition), kept }
}

test('what was handled of a partition is kept if its commit says so, and if there is none', () => {
  for (const generation of [0, 1, 10]) {
    const note = commitNote(generation, SECOND)
    const marked = [true, false].map((isKept) => keptNote(note, isKept))
    expect(pastOf([[7n, marked[0] ?? ''], [7n, marked[1] ?? ''], undefined])).toMatchObject({
      ...{ notes: [note, note, NEW], kept: [true, false, true] },
    })
    // What earlier builds read of it.
    for (const each of marked) expect(/^(\d+) ([0-9a-f]{32})?$/.exec(each)?.slice(1).map(Number)[0]).toBe(generation)
  }
})

test('nothing can be lacking of what came before the first offset, whatever the note says', () => {
  const note = commitNote(GENERATION, SECOND)
  expect(
    pastOf([
      [0n, note],
      [1n, note],
    ]),
  ).toMatchObject({ known: [0n, 1n], kept: [true, false] })
})

test.each(['', 'somebody else wrote this', '4', '4 '])('nothing is known to be kept by the note %j', (note) => {
  expect(pastOf([[7n, note]]).kept).toEqual([false])
})

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
  expect(pastOf([[7n, commitNote(GENERATION, FIRST)], undefined])).toMatchObject({
    known: [],
    notes: [NEW, NEW],
    newOnes: [0, 1],
  })
})

test.each(['', 'somebody else wrote this', '4'])(
  'a commit with the note %j counts, as one of an earlier generation',
  (note) => {
    expect(pastOf([[7n, note], undefined])).toMatchObject({ known: [7n], notes: [NEW, NEW], newOnes: [0, 1] })
  },
)

test('a note has at most 40 characters', () => {
  expect(commitNote(2 ** 23, FIRST).length).toBeLessThanOrEqual(40)
})
