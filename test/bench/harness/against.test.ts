import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { benchPairs, commitOf, differing, samplesOf, type Trees } from '../../../bench/harness/against.ts'
import type { BenchPair } from '../../../bench/harness/comparison.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const AGAINST = join(ROOT, 'bench/harness/against.ts')

let folder: string
let trees: Trees

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forewarm-test-'))
  trees = { work: join(folder, 'work'), ref: join(folder, 'ref') }
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

describe('a commit', () => {
  test('is found by any of its names', () => {
    expect(commitOf('HEAD')).toMatch(/^[0-9a-f]{40}$/)
    expect(commitOf(commitOf('HEAD')?.slice(0, 10) ?? '')).toBe(commitOf('HEAD'))
  })

  test('is not what git does not know, nor a file', () => {
    expect([commitOf('no-such-commit'), commitOf('HEAD:package.json'), commitOf('--all')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})

test('both trees lie ready with their packages, until the process that laid them out ends', () => {
  const program = `
    import { existsSync, rmSync } from 'node:fs'
    import { layOut } from ${JSON.stringify(AGAINST)}
    const trees = layOut('HEAD')
    const files = Object.values(trees).map((tree) => existsSync(tree + '/bench/run.ts') && existsSync(tree + '/node_modules/ioredis'))
    console.log(JSON.stringify({ ...trees, files }))
    process.exit(3)`
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  expect(status).toBe(3)
  const { work, ref, files } = JSON.parse(stdout)
  expect(files).toEqual([true, true])
  expect([existsSync(work), existsSync(ref)]).toEqual([false, false])
})

test('files of a bench that changed are named, wherever they lie in the other tree', () => {
  write(join(trees.work, 'bench/cases/a.ts'), 'const updates = 5')
  write(join(trees.work, 'bench/cases/b.ts'), 'const updates = 5')
  write(join(trees.work, 'bench/cases/new.ts'), 'const updates = 5')
  write(join(trees.work, 'bench/harness/table.ts'), 'const width = 5')
  write(join(trees.ref, 'bench/a.ts'), 'const updates = 6')
  write(join(trees.ref, 'bench/harness/b.ts'), 'const updates = 5 // enough')
  write(join(trees.ref, 'bench/harness/table.ts'), 'const width = 6')
  expect(differing(trees)).toEqual(['a.ts'])
})

test('what a tree prints of a case is joined with what is noted of it', () => {
  const lines = 'Hello\n{"case":"a","unit":"ns","ours":7,"ratio":null}\n{"case":"b","unit":"B","value":8}\n'
  const notes = [{ case: 'a', better: 'lower', cpuSeconds: 2 } as const, { case: 'c', cpuSeconds: 3 }]
  expect([...samplesOf(lines, notes)]).toEqual([
    ['a', { unit: 'ns', value: 7, better: 'lower', cpuSeconds: 2 }],
    ['b', { unit: 'B', value: 8 }],
    ['c', { cpuSeconds: 3 }],
  ])
})

describe('pairs', () => {
  /** A tree whose bench says when it was measured, and has a contest and a stack that must not be used. */
  function makeTree(root: string, value: number): void {
    const log = JSON.stringify(join(folder, 'log'))
    write(join(root, 'deploy/stack/stack.ts'), 'export function startStack() { throw new Error("its own stack") }')
    write(join(root, 'bench/floors.json'), '{ "fast": { "floor": 1 } }')
    write(join(root, 'bench/harness/contest.ts'), 'export function contest() { throw new Error("its own contest") }')
    write(
      join(root, 'bench/run.ts'),
      `import { appendFileSync } from 'node:fs'
      import { startStack } from '../deploy/stack/stack.ts'
      import { contest } from './harness/contest.ts'
      import floors from './floors.json' with { type: 'json' }
      const stage = { runs: 5 }
      const { brokers } = await startStack()
      const measureAnchor = () => { throw new Error('the anchor') }
      const ours = { fast: () => { appendFileSync(${log}, '${value} '); return ${value} } }
      const [ratio] = await contest(stage, { unit: 'ops/s', better: 'higher', anchor: '', measureAnchor, ours })
      console.log(JSON.stringify({ ...ratio, unit: brokers + stage.runs + process.argv[2] + floors.fast }))`,
    )
  }

  const WARM_UP_AND_REPEATS = 6
  const reported: string[] = []

  async function run(pairs: number): Promise<readonly BenchPair[]> {
    const stack = async () => ({ brokers: ['broker:1'], redisUrl: 'redis://redis:2' })
    const all: BenchPair[] = []
    const options = { name: 'x', quick: false, pairs, stack, report: (line: string) => void reported.push(line) }
    for await (const pair of benchPairs(trees, options)) all.push(pair)
    return all
  }

  test('measure both sides by turns, warmed up, over one stack, without anchor and floors', async () => {
    makeTree(trees.work, 1)
    makeTree(trees.ref, 2)
    symlinkSync(join(ROOT, 'bench/harness/one-side.ts'), join(trees.work, 'bench/harness/one-side.ts'))
    const pairs = await run(2)
    const [ones, twos] = ['1 '.repeat(WARM_UP_AND_REPEATS), '2 '.repeat(WARM_UP_AND_REPEATS)]
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe(`${ones}${twos}${twos}${ones}`)
    expect(reported).toEqual([expect.stringContaining('x: pair 1 of 2, '), expect.stringContaining('x: pair 2 of 2, ')])
    const sample = { unit: 'broker:11xundefined', better: 'higher', cpuSeconds: expect.any(Number) }
    for (const { work, ref } of pairs) {
      expect(work.get('fast')).toEqual({ ...sample, value: 1 })
      expect(ref.get('fast')).toEqual({ ...sample, value: 2 })
      expect(work.get('the whole process')?.cpuSeconds).toBeGreaterThan(0)
    }
  })

  test('end with what a side complained of', async () => {
    write(join(trees.work, 'bench/harness/one-side.ts'), '')
    write(join(trees.work, 'bench/run.ts'), 'console.error("No benchmark is called x."); process.exitCode = 2')
    await expect(run(1)).rejects.toThrow('bench x of work ended with code 2: No benchmark is called x.')
  })
})
