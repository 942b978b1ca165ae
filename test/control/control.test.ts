import { describe, expect, test } from '@jest/globals'
import { withAdmin } from '../../src/broker/with-admin.ts'
import { until } from '../harness/until.ts'
import { onControlStage } from './control-stage.ts'

describe('a value that an operator sets', () => {
  test('is in force for every follower, and for one that comes later, with who, when and why', () =>
    onControlStage(async ({ follower }) => {
      const [ann, ben] = [await follower(), await follower()]
      const written = await ann.control.set('mode', { value: { is: 'a' }, by: 'ann', reason: 'to try' })
      expect(written).toMatchObject({ status: 'won', record: { version: 1, by: 'ann', reason: 'to try', atMs: 1_000 } })
      await until('the other has it', () => ben.is() === 'a')
      await ben.control.set('mode', { value: { is: 'b' }, by: 'ben' })
      const late = await follower()
      expect(late.control.current('mode')).toMatchObject({
        ...{ version: 2, by: 'ben', value: { is: 'b' } },
        past: [{ version: 1, by: 'ann', reason: 'to try', value: { is: 'a' } }],
      })
      expect(late.set.at(-1)).toEqual(['mode', 'b'])
    }))

  test('at the same time by two operators is that of the first to be stored, and the second is told the winner', () =>
    onControlStage(async ({ follower }) => {
      const [ann, ben] = [await follower(), await follower()]
      const both = await Promise.all([
        ann.control.set('mode', { value: { is: 'a' }, by: 'ann' }, 0),
        ben.control.set('mode', { value: { is: 'b' }, by: 'ben' }, 0),
      ])
      const [won, lost] = both.toSorted((x) => (x.status === 'won' ? -1 : 1))
      expect(won).toMatchObject({ status: 'won' })
      if (won?.status !== 'won') return
      expect(lost).toMatchObject({ status: 'lost', winner: { id: won.record.id } })
      await until('both follow the winner', () => ann.is() === won.record.value.is && ben.is() === won.record.value.is)
    }))

  test('with a base that is not in force is refused, and told what is', () =>
    onControlStage(async ({ follower }) => {
      const ann = await follower()
      await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })
      expect(await ann.control.set('mode', { value: { is: 'b' }, by: 'ann' }, 0)).toMatchObject({
        status: 'lost',
        winner: { version: 1, value: { is: 'a' } },
      })
      expect(ann.is()).toBe('a')
    }))

  test('of another service changes nothing', () =>
    onControlStage(async ({ follower }) => {
      const [blue, green] = [await follower(), await follower('green')]
      await green.control.set('mode', { value: { is: 'g' }, by: 'ann' })
      await blue.control.set('mode', { value: { is: 'b' }, by: 'ben' })
      expect([green.is(), blue.is()]).toEqual(['g', 'b'])
      expect(blue.refused).toEqual([])
    }))
})

describe('a forced value', () => {
  test('takes effect though another of its version was first, and its version is written again for those that come later', () =>
    onControlStage(async ({ follower, write, stored }) => {
      const ann = await follower()
      await write('mode', { id: 'set', version: 1, value: { is: 'full' } })
      await write('mode', { id: 'kill', version: 1, forced: true, value: { is: 'killed' } })
      await until('it is in force', () => ann.is() === 'killed')
      expect(ann.control.current('mode')?.version).toBe(2)
      await until('it is written again', async () => (await stored()).length === 3)
      // With the next version, it wins whatever else compaction has left of those before it.
      expect((await stored()).at(-1)).toMatchObject({ id: 'kill', version: 3 })
      await until('all have the same version', () => ann.control.current('mode')?.version === 3)
      expect((await follower()).control.current('mode')?.version).toBe(3)
    }))

  test('that is written again does not undo one that was set meanwhile', () =>
    onControlStage(async ({ follower, write, stored }) => {
      const ann = await follower()
      await write('mode', { id: 'kill', version: 1, forced: true, value: { is: 'killed' } })
      await write('mode', 'hides it')
      await until('it is written again', async () => (await stored()).length === 3)
      const [, , repetition] = await stored()
      expect(repetition).toMatchObject({ id: 'kill', version: 2 })
      // A follower whose repetition was on its way when the kill was lifted.
      await write('mode', { id: 'lift', version: 3, value: { is: 'full' } })
      await write('mode', { ...repetition, version: 3 })
      await until('the repetition has lost', async () => (await stored()).at(-1)?.id === 'lift')
      expect(ann.is()).toBe('full')
    }))

  test('keeps what it has overtaken in the history', () =>
    onControlStage(async ({ follower, write }) => {
      const ann = await follower()
      await write('mode', { id: 'set', version: 1, by: 'ben', value: { is: 'full' } })
      await write('mode', { id: 'kill', version: 1, forced: true, value: { is: 'killed' } })
      await until('it is in force', () => ann.is() === 'killed')
      expect(ann.control.current('mode')?.past).toMatchObject([{ by: 'ben', value: { is: 'full' } }])
    }))

  test('does not come back after a later value was set', () =>
    onControlStage(async ({ follower, write }) => {
      await write('mode', { id: 'kill', version: 1, forced: true, value: { is: 'killed' } })
      await write('mode', { id: 'lift', version: 2, value: { is: 'full' } })
      await write('mode', { id: 'kill', version: 1, forced: true, value: { is: 'killed' } })
      expect((await follower()).is()).toBe('full')
    }))
})

describe('a record that is passed over', () => {
  test.each([
    ['that is no JSON', 'full', 'not-json'],
    ['without a value', null, 'empty'],
    ['whose value is not allowed', { id: 'bad', version: 2, value: { is: 7 } }, 'bad-value'],
    ['of an unknown version of the format', '{"v":2}', 'unknown-version'],
    [
      'with a version after which none could come',
      { id: 'last', version: Number.MAX_SAFE_INTEGER, value: { is: 'b' } },
      'bad-value',
    ],
  ] as const)(
    '%s is counted, the old state stays, and is written again, as compaction would leave the other alone',
    async (_, value, reason) => {
      await onControlStage(async ({ follower, write, stored }) => {
        const ann = await follower()
        await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })
        await write('mode', value)
        await until('it is refused', () => ann.refused.length === 1)
        expect(ann.refused[0]?.reason).toBe(reason)
        expect(ann.is()).toBe('a')
        await until('the one in force is last again', async () => (await stored()).at(-1)?.value?.is === 'a')
      })
    },
  )

  test('because it lost is hidden by the winner, which is written again', () =>
    onControlStage(async ({ follower, write, stored }) => {
      const ann = await follower()
      await write('mode', { id: 'first', version: 1, value: { is: 'a' } })
      await write('mode', { id: 'second', version: 1, value: { is: 'b' } })
      await until('the winner is last again', async () => (await stored()).at(-1)?.id === 'first')
      expect(ann.is()).toBe('a')
    }))

  test('of a setting that this version does not know is left alone', () =>
    onControlStage(async ({ follower, write, stored }) => {
      const ann = await follower()
      await write('later', { id: 'l', version: 1 })
      await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })
      expect(ann.refused).toEqual([])
      expect((await stored()).map((each) => each?.value?.is)).toEqual(['x', 'a'])
    }))
})

test('a follower that comes late is told the values in force alone, however many there were before', () =>
  onControlStage(async ({ follower }) => {
    const ann = await follower()
    for (const is of ['a', 'b', 'c']) await ann.control.set('mode', { value: { is }, by: 'ann' })
    await ann.control.set('level', { value: { is: 'd' }, by: 'ann' })
    const late = await follower()
    expect(late.set).toEqual([
      ['mode', 'c'],
      ['level', 'd'],
    ])
    await ann.control.set('mode', { value: { is: 'e' }, by: 'ann' })
    await until('it is told of those that come', () => late.set.at(-1)?.[1] === 'e')
  }))

test('a late reader of whom compaction has left the loser, and then the winner again, follows the winner', () =>
  onControlStage(async ({ follower, write }) => {
    await write('mode', { id: 'lost', version: 1, value: { is: 'b' } })
    await write('mode', { id: 'won', version: 2, value: { is: 'a' } })
    expect((await follower()).is()).toBe('a')
  }))

test('a value that others accept and this node refuses is not written over again and again', () =>
  onControlStage(async ({ follower, write, stored }) => {
    const ann = await follower()
    await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })
    await write('mode', { id: 'theirs', version: 2, value: { is: 7 } })
    await until('the one in force is written again', async () => (await stored()).length === 3)
    await write('mode', { id: 'theirs', version: 4, value: { is: 7 } })
    await until('it is refused again', () => ann.refused.length === 2)
    await ann.control.set('mode', { value: { is: 'c' }, by: 'ann' })
    expect((await stored()).map((each) => each?.value?.is)).toEqual(['a', 7, 'a', 7, 'c'])
  }))

test('values of two settings that others accept and this node refuses are not written over again and again', () =>
  onControlStage(async ({ follower, write }) => {
    const planned = new Set<() => void>()
    const ann = await follower('default', (_, run) => {
      planned.add(run)
      return () => planned.delete(run)
    })
    for (const setting of ['mode', 'level']) await ann.control.set(setting, { value: { is: 'a' }, by: 'ann' })
    const theirs = async (version: number) => {
      for (const setting of ['mode', 'level']) await write(setting, { id: setting, version, value: { is: 7 } })
    }
    await theirs(2)
    await until('both are to be written again', () => ann.refused.length === 2 && planned.size === 1)
    for (const run of planned) run()
    planned.clear()
    await until('both are', () => ['mode', 'level'].every((setting) => ann.control.current(setting)?.version === 2))
    await theirs(4)
    await until('both are refused again', () => ann.refused.length === 4)
    expect(planned.size).toBe(0)
  }))

test('a value is set after one that this node refuses, so that those who accept that one follow', () =>
  onControlStage(async ({ follower, write, stored }) => {
    await write('mode', { id: 'theirs', version: 7, value: { is: 7 } })
    const ann = await follower()
    expect(await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })).toMatchObject({ status: 'won' })
    expect((await stored()).at(-1)).toMatchObject({ version: 8, value: { is: 'a' } })
  }))

test('the values before the newest are kept as far as a record has room for them', async () => {
  const large = 'x'.repeat(60 * 1024)
  await onControlStage(async ({ follower }) => {
    const ann = await follower()
    for (let n = 0; n < 6; n++)
      expect(await ann.control.set('mode', { value: { is: large }, by: 'ann' })).toMatchObject({ status: 'won' })
    expect(ann.control.current('mode')?.past?.length).toBe(2)
  })
})

test('a topic that is not there rejects the follower, and a value that is set has failed', () =>
  onControlStage(async ({ broker, follower }) => {
    const ann = await follower()
    await withAdmin(broker, (admin) => admin.deleteTopics(['forewarm-control']))
    expect(await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })).toMatchObject({ status: 'failed' })
  }))

describe('what was set and is not in force here', () => {
  test('is told while no record could be taken, and no more once one is', () =>
    onControlStage(async ({ follower, write }) => {
      const ann = await follower()
      expect(ann.control.unread('mode')).toBeUndefined()
      await write('mode', 'no JSON')
      await until('it is refused', () => ann.refused.length === 1)
      expect(ann.control.unread('mode')).toContain('is not valid JSON')
      await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })
      await write('mode', 'no JSON')
      await until('it is refused', () => ann.refused.length === 2)
      expect(ann.control.unread('mode')).toBeUndefined()
    }))

  test('is told with its record while others may follow it, and no more once a later one is in force', () =>
    onControlStage(async ({ follower, write }) => {
      const ann = await follower()
      await ann.control.set('mode', { value: { is: 'a' }, by: 'ann' })
      await write('mode', { id: 'theirs', version: 2, by: 'ben', value: { is: 7 } })
      await until('it is refused', () => ann.refused.length === 1)
      expect(ann.control.refused('mode')).toMatchObject({
        record: { by: 'ben', version: 2 },
        why: 'is: expected a text',
      })
      await ann.control.set('mode', { value: { is: 'b' }, by: 'ann' })
      expect(ann.control.refused('mode')).toBeUndefined()
    }))

  test('is not told of a refused record that has lost', () =>
    onControlStage(async ({ follower, write }) => {
      const ann = await follower()
      for (const is of ['a', 'b']) await ann.control.set('mode', { value: { is }, by: 'ann' })
      await write('mode', { id: 'late', version: 2, value: { is: 7 } })
      await until('it is refused', () => ann.refused.length === 1)
      expect(ann.control.refused('mode')).toBeUndefined()
    }))
})
