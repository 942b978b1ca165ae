import { printed, type Setting } from './setting.ts'
import { PROFILE_VALUES, SETTING_PLACES, type SettingPlace } from './settings.ts'

const TITLES: Readonly<Record<string, string>> = {
  kafka: 'Kafka',
  node: 'Node',
  warming: 'Warming',
  correlation: 'Correlation',
  prediction: 'Prediction',
  cache: 'Cache',
  http: 'HTTP',
  metrics: 'Metrics',
}

/** What `--help` says of the settings: a line for the name and its default, a line for what it means. */
export function settingsHelp(): string {
  return byGroup()
    .map(([group, places]) => {
      const rows = places.map(
        ({ row }) => `  ${row.name}${helpDefault(row)}\n      ${row.doc}\n      ${row.check.allowed}`,
      )
      return `${TITLES[group] ?? group}\n${rows.join('\n')}`
    })
    .join('\n\n')
}

/** The text of docs/configuration.md. */
export function settingsDocument(): string {
  return `${[INTRODUCTION, ...byGroup().map(groupSection), profilesSection()].join('\n\n')}\n`
}

const INTRODUCTION = `# Configuration

<!-- Made from the table in src/config/settings.ts; \`UPDATE_DOCS=1 npm run test:unit\` writes it anew. -->

A value is taken from the first of these that has one: **argument** (the command line, or what \`createNode\` is handed) >
**environment** > **file** > **profile** > **default**. Everything is read and checked once, at start. A value that is
not allowed stops the start, with all such values at once: each with its name, what came and what is allowed.

- The file is \`forewarm.config.json\` in the working directory, or what \`--config\` names: one JSON object, a group each,
  for example \`{ "kafka": { "brokers": ["kafka-1:9092"] }, "cache": { "l1Slots": 5000 } }\`. Arguments have the same shape.
  An unknown group or name stops the start.
- In the environment, a name that is a slip away from a setting's (\`KAFKA_BROKER\`) stops the start, unless that setting
  is set as well; one that only begins like ours is told in a warning, because the environment belongs to others too
  (\`KAFKA_OPTS\`). An empty variable counts as not set.
- \`.env\` is read in the profile development only, which \`npm start\` has and other commands have with
  \`FOREWARM_PROFILE=development\`; the environment wins over it.
- Secrets are never printed. \`OTEL_*\` is read by OpenTelemetry itself ([telemetry.md](telemetry.md)).`

function groupSection([group, places]: readonly [string, readonly SettingPlace[]]): string {
  const rows = places.map(
    ({ key, row }) =>
      `| \`${row.name}\` | \`${group}.${key}\` | ${cell(defaultWords(row))} | ${cell(row.check.allowed)} | ${cell(row.doc)}${row.secret ? ' Secret.' : ''} |`,
  )
  return [
    `## ${TITLES[group] ?? group}`,
    '',
    '| in the environment | in the file | default | allowed | what it does |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

function profilesSection(): string {
  const lines = Object.entries(PROFILE_VALUES).map(([profile, values]) => {
    const words = Object.entries(values).map(([name, value]) => `\`${name}\` = ${String(value)}`)
    return `| ${profile} | ${words.length === 0 ? 'the defaults' : words.join(', ')} |`
  })
  return ['## Profiles', '', '| `FOREWARM_PROFILE` | says |', '|---|---|', ...lines].join('\n')
}

function byGroup(): readonly (readonly [string, readonly SettingPlace[]])[] {
  const groups = new Map<string, SettingPlace[]>()
  for (const place of SETTING_PLACES) groups.set(place.group, [...(groups.get(place.group) ?? []), place])
  return [...groups]
}

function defaultWords(row: Setting<unknown>): string {
  if (row.default.kind === 'derived') return row.default.words
  return row.default.value === undefined ? '' : `\`${printed(row, row.default.value)}\``
}

function helpDefault(row: Setting<unknown>): string {
  const words = defaultWords(row).replaceAll('`', '')
  return words === '' ? '' : ` (${words})`
}

/** A pipe inside a cell would start the next one. */
function cell(words: string): string {
  return words.replaceAll('|', '\\|')
}
