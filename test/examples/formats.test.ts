import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it, test } from '@jest/globals'
import { lines } from '../../examples/lines-format.ts'
import { Formats } from '../../src/formats/formats.ts'
import { decodedAvro } from '../formats/avro/stage.ts'
import { decodedProtobuf } from '../formats/protobuf/stage.ts'
import { AT_MS, decoder } from '../formats/stage.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const TEXT = readFileSync(join(ROOT, 'docs/formats.md'), 'utf8')
/** The title of a recipe, and its blocks: perhaps a schema, then a mapping, a record, the updates in it. */
const RECIPE =
  /### (.+)\n\n(?:[^`#]+(?:`[^`\n]+`[^`#]+)*\n\n)?(?:```(json avsc|proto)\n([^`]+)```\n\n)?```json\n([^`]+)```\n\n```json\n([^`]+)```\n\n```json\n([^`]+)```/g
const RECIPES = [...TEXT.matchAll(RECIPE)].map(
  ([, title = '', kind, schema = '', mapping = '', record = '', updates = '']) => ({
    ...{ title, kind, schema },
    mapping: JSON.parse(mapping),
    record,
    updates: JSON.parse(updates),
  }),
)

/** Decodes by a mapping, or by settings for a pattern that takes the topic in the title. */
function decodedJson(title: string, mapping: Record<string, unknown>, record: string) {
  const [topics, ofTopics] = Object.entries((mapping.formats ?? {}) as Record<string, object>)[0] ?? []
  const [, topic = ''] = /`(.+)`/.exec(title) ?? []
  return ofTopics === undefined ? decoder(mapping)(record) : decoder(ofTopics, topics)(record, { topic })
}

describe('docs/formats.md', () => {
  it.each(RECIPES)(
    'has a recipe that gives what it shows: $title',
    ({ title, kind, schema, mapping, record, updates }) => {
      const said =
        kind === undefined
          ? decodedJson(title, mapping, record)
          : (kind === 'proto' ? decodedProtobuf : decodedAvro)(schema, mapping, JSON.parse(record))
      expect(said).toMatchObject({ ok: true, deleted: [], skipped: 0 })
      expect(said.ok && said.updates).toEqual(updates)
    },
  )

  it('has a recipe under each title', () => {
    const [, recipes = ''] = TEXT.split('\n## Recipes\n')
    const titles = [...(recipes.split('\n## ')[0] ?? '').matchAll(/^### (.+)$/gm)].map(([, title]) => title)
    expect(RECIPES.map(({ title }) => title)).toEqual(titles)
    expect(titles.length).toBeGreaterThan(5)
  })

  it('shows the example of a function as it is', () => {
    expect(TEXT).toContain(
      `\`\`\`ts\n${readFileSync(join(ROOT, 'examples/lines-format.ts'), 'utf8').trimEnd()}\n\`\`\``,
    )
  })
})

test('the example of a function reads lines, and skips those without a price', () => {
  const format = new Formats([lines]).of('lines.example')
  const decode = (text: string) =>
    format?.decode({
      ...{ topic: 'lines.example', partition: 0, offset: 0n, timestampMs: AT_MS },
      ...{ key: undefined, value: Buffer.from(text), headers: [] },
    })
  expect(decode(`ETH-USD 3120.5 ${AT_MS}`)).toMatchObject({ updates: [{ pair: 'ETH-USD', price: 3120.5 }] })
  expect(decode('PING')).toMatchObject({ ok: true, updates: [], skipped: 1 })
  expect(decode('ETH-USD cheap 1')).toMatchObject({ ok: false, reason: 'not-finite' })
})
