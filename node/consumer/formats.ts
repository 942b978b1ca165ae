import type { Config } from '../../src/config/settings.ts'
import { type FormatRule, Formats } from '../../src/formats/formats.ts'
import { openRegistry } from '../../src/formats/registry/registry.ts'
import type { Check } from '../../src/http/operations.ts'
import type { Log } from '../../src/telemetry/log.ts'

/** The formats of a node. Throws a ForewarmError 'bad-config' if one needs a registry and the settings name none. */
export function nodeFormats(rules: readonly FormatRule[], { schemaRegistry }: Config, log: Log): Formats {
  const registry = openRegistry(schemaRegistry, {
    onAway: (reason) => log.warn({ reason }, 'the schema registry is away: partitions wait for it'),
    onBack: () => log.info('the schema registry is back'),
  })
  return new Formats(rules, registry)
}

/** A node waits with the partitions whose schemas it cannot get, and reads the others. */
export function schemasCheck({ schemas }: Formats): readonly Check[] {
  if (schemas === undefined) return []
  const { trouble } = schemas
  if (trouble === undefined) return [{ name: 'schemas', status: 'ok' }]
  return [{ name: 'schemas', status: 'degraded', reason: `the schema registry: ${trouble}` }]
}
