import { printed, type Setting } from './setting.ts'
import { PROFILE_VALUES, SETTING_PLACES, type SettingPlace } from './settings.ts'

const TITLES: Readonly<Record<string, string>> = {
  kafka: 'Kafka',
  schemaRegistry: 'Schema registry',
  node: 'Node',
  warming: 'Warming',
  tasks: 'Tasks',
  schedules: 'Schedules',
  correlation: 'Correlation',
  prediction: 'Prediction',
  cache: 'Cache',
  http: 'HTTP',
  metrics: 'Metrics',
}

/** The settings in `--help`. Each takes three lines: name and default, what it does, what is allowed. */
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

A value is taken from the first of these that has one: **argument** (the command line, or the \`config\` of
\`createNode\`) > **environment** > **file** > **profile** > **default**. Everything is read and checked once, at start.
If any value is not allowed, the node does not start. The error lists all such values, each with its name, what was
given and what is allowed.

Settings that change **while running** can be changed by \`node.updateConfig({ warming: { maxPairs: 4 } })\` on one node
(origin **update**). They take effect with the next update, and pass the same checks. If anything is refused, nothing changes.
\`node.getConfig()\` says what counts now, and where it came from. All other settings take a new value at the next start alone;
the last column says why.

\`forewarm config set NAME=VALUE\` and \`PUT /config\` ([http.md](http.md)) change them on all nodes of the service, also on
those that start later (origin **control**). \`forewarm config unset NAME\` takes that back; \`forewarm config shared\` shows it.
What is set so wins over everything else. A node that finds a value there that it does not allow stays as it is, counts it and
says so.

- The file is \`forewarm.config.json\` in the working directory, or the one that \`--config\` names. It holds one JSON
  object with an object for each group, for example
  \`{ "kafka": { "brokers": ["kafka-1:9092"] }, "cache": { "l1Slots": 5000 } }\`. Arguments have the same shape. With an
  unknown group or name the node does not start. Beside the groups it may hold \`formats\`, which say how the records of
  topics are read that are not ours ([formats.md](formats.md)).
- A variable whose name looks like a misspelt setting (\`KAFKA_BROKER\`) stops the start as well, unless that setting is
  set too. A name that only begins like one of ours (\`KAFKA_OPTS\`) may belong to another program and only causes a
  warning. An empty variable counts as not set.
- \`.env\` is read in the profile development only. \`npm start\` uses that profile; other commands use it with
  \`FOREWARM_PROFILE=development\`. The environment wins over \`.env\`.
- Secrets are never printed. \`OTEL_*\` is read by OpenTelemetry itself ([telemetry.md](telemetry.md)).`

function groupSection([group, places]: readonly [string, readonly SettingPlace[]]): string {
  const rows = places.map(
    ({ key, row }) =>
      `| \`${row.name}\` | \`${group}.${key}\` | ${cell(defaultWords(row))} | ${cell(row.check.allowed)} | ${cell(row.doc)}${row.secret ? ' Secret.' : ''} | ${changesWords(row)} |`,
  )
  return [
    `## ${TITLES[group] ?? group}`,
    '',
    '| in the environment | in the file | default | allowed | what it does | changes |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

const PROFILES_WORDS = `All profiles warm by the strategy \`forewarm\`, which beats the others on the recorded days
([figures](prediction-figures.md)); a stage with another strategy than production would try out something else.`

function profilesSection(): string {
  const lines = Object.entries(PROFILE_VALUES).map(([profile, values]) => {
    const words = Object.entries(values).map(([name, value]) => `\`${name}\` = ${String(value)}`)
    return `| ${profile} | ${words.length === 0 ? 'the defaults' : words.join(', ')} |`
  })
  return ['## Profiles', '', PROFILES_WORDS, '', '| `FOREWARM_PROFILE` | sets |', '|---|---|', ...lines].join('\n')
}

function byGroup(): readonly (readonly [string, readonly SettingPlace[]])[] {
  return [...Map.groupBy(SETTING_PLACES, ({ group }) => group)]
}

function defaultWords(row: Setting<unknown>): string {
  if (row.default.kind === 'derived') return row.default.words
  return row.default.value === undefined ? '' : `\`${printed(row, row.default.value)}\``
}

function changesWords({ changes }: Setting<unknown>): string {
  return changes === 'while running' ? '**while running**' : `at start: ${changes.atStart}`
}

function helpDefault(row: Setting<unknown>): string {
  const words = defaultWords(row).replaceAll('`', '')
  return words === '' ? '' : ` (${words})`
}

/** A pipe inside a cell would start the next one. */
function cell(words: string): string {
  return words.replaceAll('|', '\\|')
}
