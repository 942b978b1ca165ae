import { expect, test } from '@jest/globals'
import { repetitions } from './repetitions.ts'

test('runs of lines that the same two files share are found one by one', () => {
  const six = 'const a = 1\nconst b = 2\nconst c = 3\nconst d = 4\nconst e = 5\nconst f = 6'
  const other = six.replaceAll('const', 'let')
  const files = { 'src/a.ts': `${six}\nconst z = 0\n${other}`, 'src/b.ts': `${six}\n${other}` }
  const found = repetitions(Object.entries(files).map(([path, text]) => ({ path, text })))
  expect(found).toEqual(['src/a.ts:1 ~ src/b.ts:1: const a = 1', 'src/a.ts:8 ~ src/b.ts:7: let a = 1'])
})
