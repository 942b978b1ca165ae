import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { INSTRUMENTS, type Instrument, labelsOf } from '../../src/telemetry/instruments.ts'

const DOCUMENT = new URL('../../docs/telemetry.md', import.meta.url)
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TABLE = /(<!-- instruments: [^\n]*-->\n)([\s\S]*?)(<!-- \/instruments -->)/

function row(instrument: Instrument): string {
  const { name, kind, help, bounds, twin } = instrument
  const names = [name, ...(twin ? [twin.name] : [])].map(
    (each) => `\`${each}\`${instrument.bare ? ' (no prefix)' : ''}`,
  )
  const labels = labelsOf(instrument).map((label) => `\`${label}\``)
  const buckets = bounds ? ` Buckets: ${bounds.join(' ')}.` : ''
  return `| ${names.join(', ')} | ${kind} | ${labels.join(', ')} | ${help}${buckets} |`
}

const TABLE_OF_CODE = [
  '| name | kind | labels | what it counts |',
  '|---|---|---|---|',
  ...INSTRUMENTS.map(row),
  '',
].join('\n')

describe('the table of instruments', () => {
  test('is what docs/telemetry.md shows (UPDATE_DOCS=1 rewrites it)', () => {
    const document = readFileSync(DOCUMENT, 'utf8')
    const current = document.replace(TABLE, (_, start: string, __, end: string) => start + TABLE_OF_CODE + end)
    if (process.env.UPDATE_DOCS === '1') writeFileSync(DOCUMENT, current)
    expect(readFileSync(DOCUMENT, 'utf8')).toBe(current)
    expect(TABLE.exec(document)).not.toBeNull()
  })

  test('names each instrument once, twins included', () => {
    const names = INSTRUMENTS.flatMap(({ name, twin }) => [name, ...(twin ? [twin.name] : [])])
    expect(new Set(names).size).toBe(names.length)
  })

  test('gives counters names that end with _total, and histograms bounds that ascend', () => {
    for (const { name, kind, bounds } of INSTRUMENTS) {
      expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter'])
      expect([name, bounds !== undefined]).toEqual([name, kind === 'histogram'])
      expect(bounds ?? []).toEqual([...(bounds ?? [])].sort((a, b) => a - b))
    }
  })

  test('has every instrument that the code asks for by name', () => {
    const asked = globSync('{node,standalone,src,consumers,producers}/**/*.ts', { cwd: ROOT }).flatMap((file) =>
      [...readFileSync(ROOT + file, 'utf8').matchAll(/\.(counter|gauge|histogram)\(\s*'([^']+)'/g)].map(
        ([, kind = '', name = '']) => `${file}: ${kind} ${name}`,
      ),
    )
    const known = new Set(INSTRUMENTS.map(({ kind, name }) => `${kind} ${name}`))
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter((each) => !known.has(each.slice(each.indexOf(': ') + 2)))).toEqual([])
  })
})
