import { afterEach, expect, test } from '@jest/globals'
import { until } from '../../../harness/until.ts'
import { at, GroupStage, UNKNOWN_MEMBER } from './group-stage.ts'

const UNKNOWN_TOPIC = 3
const COORDINATOR_NOT_AVAILABLE = 15
const ILLEGAL_GENERATION = 22
const REBALANCE_IN_PROGRESS = 27
const TOPIC_AUTHORIZATION_FAILED = 29

const stages: GroupStage[] = []

afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.stop()
})

async function started(options: ConstructorParameters<typeof GroupStage>[0] = {}): Promise<GroupStage> {
  const stage = new GroupStage(options)
  stages.push(stage)
  await stage.group.start()
  expect(stage.held()).toEqual([0, 1])
  return stage
}

/** The partition was read up to the offset, as after a fetch without records. */
function advance(stage: GroupStage, partition: number, to: bigint): void {
  stage.reading.get(at(partition))?.moveTo(to)
}

async function beatsOn(stage: GroupStage): Promise<void> {
  const beats = stage.count('Heartbeat')
  await until('heartbeats go on', () => stage.count('Heartbeat') > beats + 2)
}

test('a member that is thrown out while it gives up a partition joins anew, and its heartbeats go on', async () => {
  const stage = await started()
  stage.script.assigned = [[0], [0]]
  advance(stage, 1, 9n)
  stage.script.commitErrors.push(UNKNOWN_MEMBER)
  stage.group.rejoin()
  await until('it has joined as another member', () => stage.joinedAs.at(-1) === '' && stage.held().length === 1)
  await beatsOn(stage)
  expect(stage.group.mayHandle).toBe(true)
  expect(stage.revoked.flat().toSorted()).toEqual([0, 1])
})

test('a member that a join does not know gives up everything before it joins as a new one, and commits nothing of it', async () => {
  const stage = await started({ commitIntervalMs: 60_000 })
  const before = stage.commits.length
  stage.script.joinErrors.push(UNKNOWN_MEMBER)
  stage.script.assigned = [[0]]
  advance(stage, 1, 9n)
  stage.group.rejoin()
  await until('it holds what it was given anew', () => stage.joinedAs.length === 3 && stage.held().length === 1)
  expect(stage.revoked).toEqual([[0, 1]])
  expect(stage.commits.slice(before).filter(({ partition }) => partition === 1)).toEqual([])
  const uncommitted = stage.events.filter(({ type }) => type === 'uncommitted')
  expect(uncommitted).toEqual([{ type: 'uncommitted', groupId: 'g', ...at(1), from: 5n, to: 9n }])
})

test('a member of an illegal generation joins again under its id, so nobody waits for it', async () => {
  const stage = await started()
  stage.script.beatErrors.push(ILLEGAL_GENERATION)
  await until('it has joined again', () => stage.joinedAs.length === 2 && stage.held().length === 2)
  expect(stage.joinedAs).toEqual(['', 'member 0'])
})

test('a member whose coordinator is not there yet goes on trying to start', async () => {
  const stage = new GroupStage()
  stages.push(stage)
  stage.script.joinErrors.push(...Array(6).fill(COORDINATOR_NOT_AVAILABLE))
  await stage.group.start()
  expect(stage.held()).toEqual([0, 1])
})

test('partitions whose commit fails are not given up, and the member waits before it joins again', async () => {
  const stage = await started({ commitIntervalMs: 60_000 })
  let waits = 0
  const { restartMs } = stage.state
  stage.state.restartMs = (failures) => {
    waits += 1
    return Math.min(restartMs.call(stage.state, failures), 1)
  }
  stage.script.assigned = [[0]]
  stage.script.commitErrors.push(...Array(5).fill(COORDINATOR_NOT_AVAILABLE))
  advance(stage, 1, 9n)
  stage.group.rejoin()
  await until('it is committed and given up', () => stage.held().length === 1)
  expect(waits).toBeGreaterThan(0)
  // One more gives it up, and one more tells the group.
  expect(stage.count('JoinGroup') - 1).toBe(waits + 2)
  expect(stage.commits.filter(({ partition, error }) => partition === 1 && error === 0).at(-1)).toMatchObject({
    offset: 9,
  })
})

test('what a member gives up is committed, also where the group knew its place: it may have forgotten it with the topic', async () => {
  const stage = await started({ commitIntervalMs: 60_000 })
  const before = stage.commits.length
  expect(stage.commits).toContainEqual(expect.objectContaining({ partition: 1, offset: 5 }))
  stage.script.assigned = [[0]]
  stage.group.rejoin()
  await until('it is given up', () => stage.held().length === 1)
  expect(stage.commits.slice(before)).toEqual([expect.objectContaining({ partition: 1, offset: 5, error: 0 })])
})

test('what the group knew the place of is given up although the topic is gone meanwhile', async () => {
  const stage = await started({ commitIntervalMs: 60_000 })
  stage.script.assigned = [[0]]
  stage.script.commitErrors.push(UNKNOWN_TOPIC)
  stage.group.rejoin()
  await until('it is given up', () => stage.held().length === 1)
  expect(stage.commits.at(-1)).toMatchObject({ partition: 1, error: UNKNOWN_TOPIC })
})

test.each([REBALANCE_IN_PROGRESS, UNKNOWN_TOPIC])(
  'the start of a topic that was made again is committed before a member joins, after error %d once more',
  async (error) => {
    const stage = await started({ commitIntervalMs: 60_000 })
    const [before, joins] = [stage.commits.length, stage.count('JoinGroup')]
    stage.script.topicId = 'b'
    stage.script.commitErrors.push(error)
    // It looks before it joins.
    stage.group.rejoin()
    await until('it has joined again', () => stage.count('JoinGroup') > joins)
    const both = (of: number) => [0, 1].map((partition) => expect.objectContaining({ partition, offset: 0, error: of }))
    expect(stage.commits.slice(before, before + 4)).toEqual([...both(error), ...both(0)])
    const order = stage.sent.slice(stage.sent.lastIndexOf('OffsetCommit', stage.sent.lastIndexOf('JoinGroup')))
    expect(order.indexOf('OffsetCommit')).toBeLessThan(order.indexOf('JoinGroup'))
  },
)

test('a member that is thrown out while it looks up where to begin takes nothing before it has joined anew', async () => {
  const stage = await started()
  // One partition goes, and comes again.
  const looks = stage.count('ListOffsets')
  const lookedUp = Promise.withResolvers<void>()
  stage.script.lookingUp = lookedUp.promise
  stage.script.assigned = [[0], [0, 1]]
  stage.group.rejoin()
  await until('it looks up the other', () => stage.count('ListOffsets') > looks)
  stage.script.beatErrors.push(UNKNOWN_MEMBER)
  await until('it is thrown out', () => stage.reading.all().every(({ isClosed }) => isClosed))
  const joins = stage.joinedAs.length
  const taken = () => stage.events.filter(({ type }) => type === 'rebalance').length
  const takenBefore = taken()
  lookedUp.resolve()
  await until('it holds both again', () => stage.held().length === 2)
  expect(stage.joinedAs.slice(joins)[0]).toBe('')
  expect(taken() - takenBefore).toBe(1)
})

test('a partition that has no leader yet is taken later, without another join', async () => {
  const stage = new GroupStage()
  stages.push(stage)
  stage.script.lastLeader = -1
  stage.see()
  await stage.group.start()
  expect(stage.held()).toEqual([0])
  stage.script.lastLeader = 1
  stage.see()
  await until('it is taken', () => stage.held().length === 2)
  expect(stage.count('JoinGroup')).toBe(1)
})

test('an offset that the coordinator does not take is committed again later', async () => {
  const stage = await started()
  stage.script.commitErrors.push(UNKNOWN_TOPIC)
  advance(stage, 1, 9n)
  await until('it is refused, and then taken', () =>
    [UNKNOWN_TOPIC, 0].every((error) =>
      stage.commits.some((commit) => commit.partition === 1 && commit.offset === 9 && commit.error === error),
    ),
  )
})

test('a commit waits until what was handled is kept, and covers nothing that was handled later', async () => {
  let keeping: Promise<() => boolean> = Promise.resolve(() => true)
  const stage = await started({ beforeCommit: () => keeping })
  const kept = Promise.withResolvers<() => boolean>()
  keeping = kept.promise
  const before = stage.commits.length
  advance(stage, 1, 9n)
  await beatsOn(stage)
  expect(stage.commits.slice(before)).toEqual([])
  advance(stage, 1, 12n)
  kept.resolve(() => true)
  await until('the later offset is committed', () => stage.commits.at(-1)?.offset === 12)
  expect(stage.commits.slice(before).map(({ offset }) => offset)).toEqual([9, 12])
})

test('a commit goes on without what cannot be kept, and its note does not say that it is', async () => {
  const stage = await started({ beforeCommit: () => Promise.reject(new Error('away')) })
  advance(stage, 1, 9n)
  await until('it is committed', () => stage.commits.at(-1)?.offset === 9)
  expect(stage.commits.at(-1)?.note).toMatch(/^[1-9]/)
})

test('a place that is committed before all was kept is committed once more when it is, and no sooner', async () => {
  let isKept = false
  const stage = await started({ beforeCommit: async () => () => isKept })
  advance(stage, 1, 9n)
  const ofNine = () => stage.commits.filter(({ offset }) => offset === 9).map(({ note }) => note[0])
  await until('it is committed', () => ofNine().length === 1)
  await beatsOn(stage)
  expect(ofNine()).toEqual(['1'])
  isKept = true
  await until('it is committed once more', () => ofNine().length === 2)
  await beatsOn(stage)
  expect(ofNine()).toEqual(['1', '0'])
})

test('the note of a commit says of each partition whether what was handled of it is kept', async () => {
  const stage = await started({
    beforeCommit:
      async () =>
      ({ partition }) =>
        partition === 1,
  })
  for (const partition of [0, 1]) advance(stage, partition, 9n)
  await until('both are committed', () => stage.commits.filter(({ offset }) => offset === 9).length === 2)
  const notes = stage.commits.filter(({ offset }) => offset === 9).map(({ partition, note }) => [partition, note[0]])
  expect(notes.sort()).toEqual([
    [0, '1'],
    [1, '0'],
  ])
})

test('a partition of a topic that may not be committed is given up all the same', async () => {
  const stage = await started({ commitIntervalMs: 60_000 })
  stage.script.assigned = [[0]]
  stage.script.commitErrors.push(TOPIC_AUTHORIZATION_FAILED)
  advance(stage, 1, 9n)
  stage.group.rejoin()
  await until('it is given up', () => stage.held().length === 1)
})

test('a member with a stuck handler sends neither heartbeats nor commits, whatever other handlers report', async () => {
  const stage = await started({ stuckAfterMs: 0 })
  const partition = stage.reading.get(at(0))
  let looks = 0
  const idleMs = (): number => {
    looks += 1
    return 1
  }
  Object.defineProperty(partition, 'inHand', { value: { ...at(0), idleMs }, configurable: true })
  await until('it is reported', () => stage.events.some(({ type }) => type === 'stuck'))
  const sent = stage.sent.length
  advance(stage, 1, 9n)
  const before = looks
  await stage.group.beat()
  await until('it is looked at again', () => looks > before + 5)
  expect(stage.sent.slice(sent)).toEqual([])
  Object.defineProperty(partition, 'inHand', { value: undefined, configurable: true })
  await beatsOn(stage)
})

test('a stop does not wait for a join that nobody answers, and hands out nothing meanwhile', async () => {
  const stage = await started()
  stage.script.joining = new Promise(() => undefined)
  stage.script.beatErrors.push(REBALANCE_IN_PROGRESS)
  await until('it joins', () => stage.count('JoinGroup') === 2)
  const stopped = stage.stop()
  expect(stage.reading.all().map(({ isClosed }) => isClosed)).toEqual([true, true])
  await stopped
  expect(stage.sent.at(-1)).toBe('LeaveGroup')
  expect(stage.held()).toEqual([])
})
