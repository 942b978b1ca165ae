import { SETTING_PLACES } from '../../src/config/settings.ts'
import { codeOf, type Source } from './source.ts'

/** What is run, but for the table itself and what checks it. */
const PRODUCTION = /^(?!(?:test|bench|examples)\/|src\/config\/)/

/** A setting that nobody reads promises what nobody does. */
export function unreadSettings(sources: readonly Source[]): string[] {
  const code = sources.filter(({ path }) => PRODUCTION.test(path)).map(codeOf)
  const isRead = (group: string, key: string) => {
    const member = new RegExp(`\\b${group}\\.${key}\\b`)
    const taken = new RegExp(`\\{[^{}]*\\b${key}\\b[^{}]*\\}\\s*=\\s*(?:\\w+\\.)*${group}\\b`)
    return code.some((text) => member.test(text) || taken.test(text))
  }
  return SETTING_PLACES.filter(({ group, key }) => !isRead(group, key)).map(
    ({ group, key, row }) => `${row.name}: nobody reads ${group}.${key}`,
  )
}
