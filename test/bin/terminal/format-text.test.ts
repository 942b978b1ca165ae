import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { forewarm } from '../forewarm-process.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-format-'))
  const quotes = [0, 1, 2].map((at) => JSON.stringify({ sym: `P${at}`, last: at + 1, ts: Date.now() + at }))
  await writeFile(join(folder, 'quotes.ndjson'), `${quotes.join('\n')}\nhello\n{"sym":"P3"}\n`)
})
afterAll(() => rm(folder, { recursive: true }))

describe('forewarm format', () => {
  test('infer ends with a whole settings file, with which check tells the line of what is refused', async () => {
    const infer = await forewarm(['format', 'infer', 'p', '--file', 'quotes.ndjson'], { cwd: folder })
    const json = infer.stdout.slice(infer.stdout.indexOf('\n{\n'))
    expect(JSON.parse(json)).toMatchObject({ formats: { p: { pair: 'sym', price: 'last', eventTimeMs: 'ts' } } })
    await writeFile(join(folder, 'written.json'), json)
    const flags = ['--file', 'quotes.ndjson', '--config', 'written.json']
    const check = await forewarm(['format', 'check', 'p', ...flags], { cwd: folder })
    expect(check).toMatchObject({ code: 1, stdout: expect.stringMatching(/1; the first is line 5: update 0: /) })
  })

  test('check of a topic that no format names tells of infer, or for which topics there are formats', async () => {
    const check = (...flags: string[]) =>
      forewarm(['format', 'check', 'prices.x', '--file', 'quotes.ndjson', ...flags], { cwd: folder })
    expect((await check()).stdout).toContain('no topic has a format: forewarm format infer prices.x proposes one\n')
    await writeFile(join(folder, 'misspelt.json'), JSON.stringify({ formats: { 'prices.y': 'okx-tickers' } }))
    expect((await check('--config', 'misspelt.json')).stdout).toContain('formats are there for prices.y\n')
  })

  test('check speaks of one record as of one', async () => {
    const stdin = `${JSON.stringify({ pair: 'A', chain: 'c', price: 1, eventTimeMs: Date.now() })}\n`
    const { stdout } = await forewarm(['format', 'check', 'p', '--file', '-'], { cwd: folder, stdin })
    expect(stdout).toContain('1 record: 1 update of 1 pair, 0 skipped, 0 refused\n')
  })

  test('list says that there are no formats, if there are none', async () => {
    const list = await forewarm(['format', 'list'], { cwd: folder })
    expect(list.stdout).toBe('there are no formats: all topics are read in our own\n')
  })
})
