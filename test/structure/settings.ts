import { SETTING_PLACES } from '../../src/config/settings.ts'
import { codeOf, type Source } from './source.ts'

/** Files of production, without the table of settings and its checks. */
const PRODUCTION = /^(?!(?:test|bench|examples)\/|src\/config\/)/

/** Settings that no code of production reads, and so have no effect. */
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
