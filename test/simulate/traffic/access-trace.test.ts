import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readAccesses } from '../../../src/simulate/traffic/access-trace.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-accesses-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function fileOf(name: string, content: string | Buffer | undefined): Promise<string> {
  const path = join(folder, name)
  if (content !== undefined) await writeFile(path, content)
  return path
}

describe('a file of accesses', () => {
  const text = 'WETH/USDC\nb\nWETH/USDC\n'

  test.each([
    ['in plain text', 'plain.txt', text],
    ['packed', 'packed.txt.gz', gzipSync(text)],
    ['without a line end at its end', 'open.txt', text.trimEnd()],
    ['with a byte order mark', 'bom.txt', `\ufeff${text}`],
    ['with line ends of two characters', 'crlf.txt', text.replaceAll('\n', '\r\n')],
  ])('gives its keys numbered by first appearance: %s', async (_, name, content) => {
    const { accesses, keys } = await readAccesses(await fileOf(name, content))
    expect({ accesses: [...accesses], keys }).toEqual({ accesses: [0, 1, 0], keys: 2 })
  })

  test('with more accesses than there was room for at first is read whole', async () => {
    const numbers = Array.from({ length: 200_000 }, (_, i) => i % 70_000)
    const { accesses, keys } = await readAccesses(await fileOf('long.txt', numbers.join('\n')))
    expect(accesses).toEqual(Int32Array.from(numbers))
    expect(keys).toBe(70_000)
  })
})

describe('a file of accesses is refused by file and line:', () => {
  const packed = gzipSync(Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 10_007).join('\n')))

  test.each([
    ['an empty file', 'empty.txt', '', 'bad-file', 'empty.txt is empty: expected one key a line'],
    ['an empty packed file', 'empty.txt.gz', gzipSync(''), 'bad-file', 'empty.txt.gz is empty'],
    ['a packed file of no bytes', 'none.txt.gz', '', 'corrupt-recording', /line 0: .*unexpected end of file/],
    [
      'a truncated packed file',
      'cut.txt.gz',
      packed.subarray(0, packed.length / 2),
      'corrupt-recording',
      /cut.txt.gz cannot be read after line \d+: .*unexpected end of file/,
    ],
    [
      'a file that is not packed',
      'not.txt.gz',
      'a\nb\n',
      'corrupt-recording',
      /not.txt.gz cannot be read after line 0: .*incorrect header/,
    ],
    ['a packed file by a plain name', 'packed.txt', packed, 'bad-file', /packed.txt, line 1, column 1: .*\.gz/],
    ['a file of columns', 'columns.csv', 'a\n17,b\n', 'bad-file', /columns.csv, line 2, column 1: .* got 2 columns/],
    [
      'a blank line',
      'blank.txt',
      'a\n \nb\n',
      'bad-file',
      /blank.txt, line 2, column 1: expected a key, got a blank line/,
    ],
    [
      'spaces around a key',
      'spaces.txt',
      'a\na \n',
      'bad-file',
      /spaces.txt, line 2, column 1: expected a key without spaces around it/,
    ],
    ['columns between semicolons', 'semi.csv', 'a;17\n', 'bad-file', /line 1, column 1: .* got 2 columns/],
    ['columns between tabs', 'tabs.csv', 'a\t17\tb\n', 'bad-file', /line 1, column 1: .* got 3 columns/],
    ['line ends of old Macs', 'cr.txt', 'a\rb\r', 'bad-file', /line 1, column 1: expected a key, got control/],
    [
      'bytes that are no text',
      'bytes.txt',
      Buffer.from([0x61, 0x0a, 0xff, 0xfa, 0x0a]),
      'bad-file',
      /bytes.txt, line 2, column 1: expected a key in UTF-8, got other bytes/,
    ],
    [
      'bytes that look like a key before them once they are decoded',
      'looks.txt',
      Buffer.concat([Buffer.from('a\ufffd\na'), Buffer.from([0xff, 0x0a])]),
      'bad-file',
      /looks.txt, line 2, column 1: expected a key in UTF-8, got other bytes/,
    ],
    [
      'a line that is a whole file',
      'line.txt',
      `a\n${'x'.repeat(5_000)}\n`,
      'bad-file',
      /line 2, column 1: expected a key of at most 4096 characters, got 5000/,
    ],
    ['a folder', '.', undefined, 'corrupt-recording', /cannot be read after line 0: .*EISDIR/],
  ])('%s', async (_, name, content, code, message) => {
    const refusal = readAccesses(await fileOf(name, content))
    await expect(refusal).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('reading ends when its signal is aborted', async () => {
    const path = await fileOf('enough.txt', 'a\nb\n')
    await expect(readAccesses(path, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })

  test('a file that is not there', async () => {
    await expect(readAccesses(join(folder, 'nowhere.txt'))).rejects.toMatchObject({ code: 'no-such-file' })
  })
})
