import type { Config } from '../../src/config/settings.ts'
import { type FormatRule, Formats } from '../../src/formats/formats.ts'
import { openRegistry } from '../../src/formats/registry/registry.ts'
import type { Check } from '../../src/http/operations.ts'
import type { Log } from '../../src/telemetry/log.ts'

const MISSPELT = 'topics are read in our own format, and formats name topics that are not read: is a name misspelt?'

/** The formats of a node. Throws a ForewarmError 'bad-config' if one needs a registry and the settings name none. */
export function nodeFormats(rules: readonly FormatRule[], { schemaRegistry }: Config, log: Log): Formats {
  const registry = openRegistry(schemaRegistry, {
    onAway: (reason) => log.warn({ reason }, 'the schema registry is away: partitions wait for it'),
    onBack: () => log.info('the schema registry is back'),
  })
  return new Formats(rules, registry)
}

const SHOWN_TOPICS = 10

/**
 * Warns of formats that name no topic which the node reads, if it reads one in our own format: a name may be misspelt, and
 * then all records are refused. A settings file may serve several nodes, so that one without such a topic says nothing.
 */
export function tellUnread(formats: Formats, topics: readonly string[], log: Pick<Log, 'warn'>): void {
  const unread = formats.named.filter((topic) => !topics.includes(topic))
  const own = topics.filter((topic) => formats.of(topic) === undefined)
  if (unread.length > 0 && own.length > 0)
    log.warn({ topics: own.slice(0, SHOWN_TOPICS), formats: unread.slice(0, SHOWN_TOPICS) }, MISSPELT)
}

/** A node waits with the partitions whose schemas it cannot get, and reads the others. */
export function schemasCheck({ schemas }: Formats): readonly Check[] {
  if (schemas === undefined) return []
  const { trouble } = schemas
  if (trouble === undefined) return [{ name: 'schemas', status: 'ok' }]
  return [{ name: 'schemas', status: 'degraded', reason: `the schema registry: ${trouble}` }]
}
