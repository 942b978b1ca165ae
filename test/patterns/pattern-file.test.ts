import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { PatternFile } from '../../src/patterns/pattern-file.ts'

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
})
