import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { routesOf } from '../../src/http/routes.ts'
import type { Schema } from '../../src/http/schema.ts'
import { OPERATIONS } from './told-operations.ts'

const DOCUMENT = new URL('../../docs/http.md', import.meta.url)
const TABLE = /(<!-- routes -->\n).*(<!-- \/routes -->)/s

function table(): string {
  const rows = Object.entries(routesOf(OPERATIONS, true)).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { about, schema = {}, answers }]) => {
      const query = Object.keys((schema.querystring?.properties ?? {}) as object).join(', ')
      const where = `\`${method} ${path.replace(/:(\w+)/g, '{$1}')}\`${query === '' ? '' : ` (${query})`}`
      const members = [...new Set(Object.values(answers).map(membersOf))].filter((names) => names !== '')
      return `| ${where} | ${about} | ${Object.keys(answers).join(', ')} | ${members.join('; ')} |\n`
    }),
  )
  return `| route | what | answers | members |\n|---|---|---|---|\n${rows.join('')}`
}

function membersOf({ properties, items }: Schema): string {
  if (items !== undefined) return `a list of: ${membersOf(items as Schema)}`
  return Object.keys((properties ?? {}) as object)
    .map((name) => `\`${name}\``)
    .join(', ')
}

test('docs/http.md has the table of routes (UPDATE_DOCS=1 rewrites it)', () => {
  const shown = readFileSync(DOCUMENT, 'utf8')
  const expected = shown.replace(TABLE, (_, begin: string, end: string) => `${begin}${table()}${end}`)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(DOCUMENT, expected)
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(expected)
})
