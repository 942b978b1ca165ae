import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Export, firstSentence, sectionsOf } from './exports.ts'

/** The example that shows a function or a clock at work. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  createNode: 'examples/subscribe.ts',
  detector: 'examples/spread.ts',
  format: 'examples/lines-format.ts',
  attachPrices: 'examples/threads/reader.ts',
  createPricePublisher: 'examples/threads/main.ts',
  createWarmPublisher: 'examples/warm.ts',
  record: 'examples/replay.ts',
  replay: 'examples/replay.ts',
  createCache: 'examples/cache.ts',
  createWarming: 'examples/cache.ts',
  topN: 'examples/own-strategy.ts',
  expectStrategy: 'examples/own-strategy.ts',
  ...inTest('test/warming/strategies/built-in.test.ts', [
    'threshold',
    'adaptive',
    'timeBased',
    'conservative',
    'aggressive',
  ]),
  strategyFaults: 'test/standalone/strategy-trial.test.ts',
  createTopNWarming: 'examples/library/minimal.ts',
  createAdaptiveWarming: 'examples/library/production.ts',
  createThresholdWarming: 'test/standalone/strategies.test.ts',
  createTimeBasedWarming: 'test/standalone/strategies.test.ts',
  createKafkaBroker: 'examples/polymarket/polymarket.ts',
  createMemoryBroker: 'test/examples/golden.test.ts',
  virtualClock: 'test/examples/golden.test.ts',
  systemClock: 'examples/polymarket/run-day.ts',
  replayFile: 'test/examples/golden.test.ts',
  expectWarmed: 'test/api/api.test.ts',
}

function inTest(file: string, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, file]))
}

/** What can be imported, and the file that exports it. */
export const ENTRIES = [
  ['forewarm', 'index.ts'],
  ['forewarm/testing', 'testing.ts'],
] as const

const INTRODUCTION = `# The API

<!-- Made from index.ts, testing.ts and the comments at what they export; \`UPDATE_DOCS=1 npm run test:unit\` writes it anew. -->

Everything that can be imported, with the file that documents it. What is not measured yet is \`undefined\`, never 1 or NaN.
Functions make things (\`create…\`); there is no class to construct but the errors.`

/** The text of docs/api.md. */
export function apiDocument(root: string): string {
  const parts = ENTRIES.flatMap(([entry, file]) => [
    `## ${entry}`,
    ...sectionsOf(root, readFileSync(join(root, file), 'utf8')).map(({ title, exports }) =>
      sectionText(root, title, exports),
    ),
  ])
  return `${[INTRODUCTION, ...parts].join('\n\n')}\n`
}

function sectionText(root: string, title: string, exports: readonly Export[]): string {
  const rows = exports
    .toSorted((a, b) => Number(a.isType) - Number(b.isType))
    .map((each) => {
      const example = EXAMPLES[each.name]
      const link = example === undefined ? '' : `[${example.split('/').at(-1)}](../${example}) `
      const what = (firstSentence(root, each) ?? '').replaceAll('|', '\\|')
      return `| [\`${each.name}\`](../${each.file}) | ${what} | ${link}|`
    })
  return [`### ${title}`, '', '| export | what it is | shown in |', '|---|---|---|', ...rows].join('\n')
}
