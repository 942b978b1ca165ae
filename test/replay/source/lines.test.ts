import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { type Line, linesOf } from '../../../src/replay/source/lines.ts'

test('lines that come in pieces are put together, wherever the pieces end', async () => {
  const pieces = ['\ufeffa', 'b', '', 'c\n\nd', '\n', 'e\n', 'f', 'g'].map((piece) => Buffer.from(piece))
  const lines: Line[] = []
  for await (const some of linesOf(Readable.from(pieces), 'pieces')) lines.push(...some)
  expect(lines.map(({ text }) => text)).toEqual(['abc', '', 'd', 'e', 'fg'])
  expect(lines.map(({ number, ended }) => [number, ended])).toEqual([
    ...[1, 2, 3, 4].map((number) => [number, true]),
    [5, false],
  ])
})
