import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { settingsDocument, settingsHelp } from '../../src/config/document.ts'
import { SETTING_PLACES } from '../../src/config/settings.ts'

const DOCUMENT = new URL('../../docs/configuration.md', import.meta.url)

describe('the table of settings', () => {
  test('is what docs/configuration.md shows (UPDATE_DOCS=1 rewrites it)', () => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(DOCUMENT, settingsDocument())
    expect(readFileSync(DOCUMENT, 'utf8')).toBe(settingsDocument())
  })

  test('has a title for each group', () => {
    expect(settingsDocument()).not.toMatch(/^## [a-z]/m)
  })

  test('names each setting once', () => {
    const names = SETTING_PLACES.map(({ row }) => row.name)
    expect(new Set(names).size).toBe(names.length)
  })

  test('has defaults that its own checks allow', () => {
    for (const { row } of SETTING_PLACES) {
      if (row.default.kind === 'fixed' && row.default.value !== undefined) {
        expect([row.name, row.check.parse(row.default.value, () => undefined)]).toEqual([row.name, row.default.value])
      }
    }
  })

  test('is what --help shows', () => {
    const help = settingsHelp()
    for (const { row } of SETTING_PLACES) expect(help).toContain(`  ${row.name}`)
    expect(help).toContain('CACHE_L1_SIZE (128)')
  })
})
