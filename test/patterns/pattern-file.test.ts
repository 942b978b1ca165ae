import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { PATTERNS_BEGIN, PatternFile } from '../../src/patterns/pattern-file.ts'

let folder: string
let path: string
let taken: unknown[]
const take = (document: unknown): string | undefined => {
  if (document === null) return 'is nothing'
  taken.push(document)
  return undefined
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forewarm-patterns-'))
  path = join(folder, 'patterns.json')
  taken = []
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the file of patterns', () => {
  test('is restored as it was last saved', async () => {
    const file = new PatternFile(path)
    await Promise.all([1, 2, 3].map((n) => file.save([`{"n":`, `${n}}`])))
    expect(await file.restore(take)).toEqual({ from: path, problems: [] })
    expect([taken, JSON.parse(readFileSync(`${path}.previous`, 'utf8'))]).toEqual([[{ n: 3 }], { n: 2 }])
    expect(existsSync(`${path}.new`)).toBe(false)
  })

  test('that is not there is no problem', async () => {
    expect(await new PatternFile(path).restore(take)).toEqual({ from: undefined, problems: [] })
  })

  test('that is cut off is restored from the last whole one', async () => {
    const file = new PatternFile(path)
    await file.save(['{"n":1}'])
    await file.save(['{"n":2}'])
    writeFileSync(path, '{"n": 2')
    const restored = await file.restore(take)
    expect([restored.from, taken]).toEqual([`${path}.previous`, [{ n: 1 }]])
    expect(restored.problems).toEqual([expect.stringContaining(`${path}: `)])
  })

  test('that holds a wrong document is passed over, too', async () => {
    const file = new PatternFile(path)
    await file.save(['{"n":1}'])
    await file.save(['null'])
    expect(await file.restore(take)).toEqual({ from: `${path}.previous`, problems: [`${path}: is nothing`] })
  })

  test.each([
    ['half written', '{"n"', '.previous', { n: 1 }],
    ['whole', '{"n":2}', '.new', { n: 2 }],
  ])('that was being replaced when the power went is found by its other name: the next one %s', async (...given) => {
    const [, next, ending, expected] = given
    const file = new PatternFile(path)
    await file.save(['{"n":1}'])
    writeFileSync(`${path}.previous`, readFileSync(path))
    rmSync(path)
    writeFileSync(`${path}.new`, next)
    expect((await file.restore(take)).from).toBe(path + ending)
    expect(taken).toEqual([expected])
  })

  test('that cannot be written rejects each save', async () => {
    const file = new PatternFile(join(folder, 'no', 'such', 'folder'))
    await expect(file.save([])).rejects.toThrow('ENOENT')
    await expect(file.save([])).rejects.toThrow('ENOENT')
  })

  test.each(['notes of mine', '{"n": 2', '{"orders":[1,2]}', '', '{"kind":"forewarm-patterns","version":1,"pairs":['])(
    'that is not patterns is kept under another name: %j',
    async (text) => {
      const file = new PatternFile(path)
      writeFileSync(path, text)
      await file.restore(() => 'is wrong')
      expect(await file.save(['{"n":1}'])).toEqual([`${path}.kept-1`])
      expect(await file.save(['{"n":2}'])).toEqual([])
      expect([path, `${path}.kept-1`].map((each) => readFileSync(each, 'utf8'))).toEqual(['{"n":2}', text])
    },
  )

  test('is not written, and nothing is removed, when five files that are not patterns are kept', async () => {
    const ours = [`${PATTERNS_BEGIN}}`]
    const kept = [1, 2, 3, 4, 5].map((n) => `${path}.kept-${n}`)
    for (const name of kept) {
      writeFileSync(path, name)
      const file = new PatternFile(path)
      expect(await file.problem()).toBeUndefined()
      expect(await file.save(ours)).toEqual([name])
    }
    expect(await new PatternFile(path).problem()).toBeUndefined()
    writeFileSync(path, 'one more')
    const file = new PatternFile(path)
    expect(await file.problem()).toMatch(/is not patterns, and .*\.kept-1 to -5 are kept already: remove those/)
    await expect(file.save(ours)).rejects.toThrow(/\.kept-1 to -5 are kept already/)
    expect([path, ...kept].map((each) => readFileSync(each, 'utf8'))).toEqual(['one more', ...kept])
    rmSync(`${path}.kept-3`)
    expect(await file.save(ours)).toEqual([`${path}.kept-3`])
  })

  test.each(['', '.new', '.previous'])(
    'whose name with %j somebody else has taken meanwhile is kept',
    async (ending) => {
      const file = new PatternFile(path)
      await file.save(['{"n":1}'])
      await file.save(['{"n":2}'])
      writeFileSync(path + ending, 'notes of mine')
      writeFileSync(`${path + ending}.kept-1`, 'older notes')
      expect(await file.save(['{"n":3}'])).toEqual([`${path + ending}.kept-2`])
      expect(readFileSync(`${path + ending}.kept-2`, 'utf8')).toBe('notes of mine')
      expect(readFileSync(`${path + ending}.kept-1`, 'utf8')).toBe('older notes')
      expect(readFileSync(path, 'utf8')).toBe('{"n":3}')
    },
  )

  test('that was cut off while it was saved is written again', async () => {
    const file = new PatternFile(path)
    for (const text of ['', '{"kind":"forew', `${PATTERNS_BEGIN},"version":1,"pairs":[`]) {
      writeFileSync(`${path}.new`, text)
      expect(await file.save([`${PATTERNS_BEGIN}}`])).toEqual([])
    }
  })

  test('that is written by another process, too, is patterns of that process, and the previous one', async () => {
    const file = new PatternFile(path)
    await file.save([`${PATTERNS_BEGIN},"n":1}`])
    writeFileSync(path, `${PATTERNS_BEGIN},"n":20}`)
    expect(await file.save([`${PATTERNS_BEGIN},"n":3}`])).toEqual([])
    expect(readFileSync(`${path}.previous`, 'utf8')).toContain('20')
  })

  test('that a link leads to is saved where it is', async () => {
    const link = join(folder, 'link.json')
    writeFileSync(path, '')
    symlinkSync(path, link)
    const file = new PatternFile(link)
    expect(await file.problem()).toBeUndefined()
    await file.save(['{"n":1}'])
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe('{"n":1}')
  })

  test('is no pipe, no device and no link to nothing', async () => {
    execFileSync('mkfifo', [path])
    symlinkSync(join(folder, 'nothing'), join(folder, 'dangling'))
    for (const each of [path, '/dev/null', join(folder, 'dangling'), folder])
      expect(await new PatternFile(each).problem()).toEqual(expect.any(String))
  })
})
