import { expect, test } from '@jest/globals'
import { isObject, shown, typeName } from '../../schemas/json-value.ts'

test.each([
  [undefined, 'nothing'],
  [null, 'null'],
  [[[]], 'a list'],
  [{ v: 1 }, 'an object'],
  [1.5, '1.5'],
  ['a "word"', '"a \\"word\\""'],
])('an error message shows %j as %s', (value, words) => {
  expect(shown(value)).toBe(words)
})

test('an error message shows the first 60 characters of a text, and that it goes on', () => {
  expect(shown('x'.repeat(100))).toBe(`"${'x'.repeat(60)}"…`)
})

test('an error message names the type of a value, and null and lists apart from objects', () => {
  expect([null, [], {}, 'a', 1, true].map(typeName)).toEqual([
    'null',
    'a list',
    'an object',
    'string',
    'number',
    'boolean',
  ])
  expect([null, [], {}].map(isObject)).toEqual([false, false, true])
})
