import { describe, expect, it } from '@jest/globals'
import type { Answer } from '../../../src/formats/registry/answer.ts'
import { Registry } from '../../../src/formats/registry/registry.ts'

/** A registry whose answers the test gives, one request at a time. */
class Stage {
  readonly paths: string[] = []
  readonly told: string[] = []
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = []
  nowMs = 0
  readonly registry = new Registry({
    connection: {
      get: (path) => {
        this.paths.push(path)
        const { promise, resolve, reject } = Promise.withResolvers<Answer>()
        this.#waiting.push({ resolve, reject })
        return promise
      },
      close: () => undefined,
    },
    nowMs: () => this.nowMs,
    random: () => 1,
    onAway: (reason) => this.told.push(`away: ${reason}`),
    onBack: () => this.told.push('back'),
  })

  /** Answers the oldest request, and waits until the registry has taken it. */
  async answer(status: number, body: unknown): Promise<void> {
    this.#waiting.shift()?.resolve({ status, body: typeof body === 'string' ? body : JSON.stringify(body) })
    await new Promise(setImmediate)
  }

  async fail(message: string): Promise<void> {
    this.#waiting.shift()?.reject(new Error(message))
    await new Promise(setImmediate)
  }

  status(key: number | string): string {
    return this.registry.lookup(key).status
  }
}

const SCHEMA = { schema: '"string"' }

describe('a schema registry', () => {
  it('is asked once for an id, however many need it, and never again once it has answered', async () => {
    const stage = new Stage()
    for (let i = 0; i < 3; i++) expect(stage.status(7)).toBe('held')
    await stage.answer(200, SCHEMA)
    expect(stage.registry.lookup(7)).toEqual({
      status: 'found',
      schema: { key: 7, type: 'AVRO', text: '"string"', references: [] },
    })
    stage.nowMs += 1e9
    expect(stage.status(7)).toBe('found')
    expect(stage.paths).toEqual(['/schemas/ids/7'])
  })

  it('is asked by GUID where a record names one', async () => {
    const stage = new Stage()
    stage.status('89791762-2336-186f-9674-299b90a802e2')
    await stage.answer(200, { ...SCHEMA, schemaType: 'PROTOBUF' })
    expect(stage.paths).toEqual(['/schemas/guids/89791762-2336-186f-9674-299b90a802e2'])
    expect(stage.registry.lookup('89791762-2336-186f-9674-299b90a802e2')).toMatchObject({
      schema: { type: 'PROTOBUF' },
    })
  })

  it('is asked for what a schema refers to, each once, and gives it before what refers to it', async () => {
    const stage = new Stage()
    const references = (...names: string[]) => names.map((name) => ({ name, subject: `${name}-value`, version: 1 }))
    stage.status(1)
    await stage.answer(200, { schema: 'root', references: references('a', 'b') })
    await stage.answer(200, { schema: 'of a', references: references('b') })
    await stage.answer(200, { schema: 'of b' })
    expect(stage.registry.lookup(1)).toMatchObject({
      schema: {
        text: 'root',
        references: [
          { name: 'b', text: 'of b' },
          { name: 'a', text: 'of a' },
        ],
      },
    })
    expect(stage.paths).toHaveLength(3)
    stage.status(2)
    await stage.answer(200, { schema: 'another', references: references('b') })
    expect(stage.status(2)).toBe('found')
    expect(stage.paths).toHaveLength(4)
  })

  it('does not go round in a circle of references', async () => {
    const stage = new Stage()
    stage.status(1)
    await stage.answer(200, { schema: 'root', references: [{ name: 'a', subject: 's', version: 1 }] })
    await stage.answer(200, { schema: 'of a', references: [{ name: 'a', subject: 's', version: 1 }] })
    expect(stage.status(1)).toBe('found')
  })

  it('refuses an id that it does not know, and is asked again after a while', async () => {
    const stage = new Stage()
    stage.status(7)
    await stage.answer(404, { error_code: 40403, message: 'Schema 7 not found' })
    expect(stage.registry.lookup(7)).toEqual({
      status: 'unknown',
      detail: 'the registry does not know it: Schema 7 not found',
    })
    expect(stage.registry.trouble).toBe(undefined)
    stage.nowMs = 10_001
    expect(stage.status(7)).toBe('held')
    await stage.answer(200, SCHEMA)
    expect(stage.status(7)).toBe('found')
    expect(stage.told).toEqual([])
  })

  it.each<readonly [what: string, status: number, body: unknown, reason: RegExp]>([
    ['a login that is not accepted', 401, { error_code: 401, message: 'Unauthorized' }, /401.*login/],
    ['a login without the right', 403, '', /403.*login/],
    ['an address that is no registry', 404, '<html>no such page</html>', /404 as no registry does/],
    ['a fault', 500, { error_code: 50001, message: 'Error in the backend' }, /500: Error in the backend/],
    ['a page of a proxy', 200, '<html>please log in</html>', /200 with something that is no JSON/],
    ['nothing', 200, '', /200 with something that is no JSON/],
    ['no schema', 200, {}, /200 with no schema/],
    ['an address elsewhere', 302, '', /302/],
  ])('that answers with %s says nothing of an id: it is away', async (_, status, body, reason) => {
    const stage = new Stage()
    stage.status(7)
    await stage.answer(status, body)
    expect(stage.registry.lookup(7)).toMatchObject({ status: 'held', reason: expect.stringMatching(reason) })
    expect(stage.registry.trouble).toMatch(reason)
    expect(stage.told).toEqual([expect.stringMatching(/^away: /)])
  })

  it('that has no name for a subject in UTF-8 is away, and nothing is thrown', async () => {
    const stage = new Stage()
    stage.status(7)
    await stage.answer(200, '{"schema":"","references":[{"name":"a","subject":"\\ud800","version":1}]}')
    expect(stage.registry.trouble).toMatch(/URI/)
    stage.nowMs += 1e3
    expect(stage.status(7)).toBe('held')
    await stage.answer(200, { ...SCHEMA, schemaType: null, references: null })
    expect(stage.status(7)).toBe('found')
  })

  it('that is away is asked less and less often, and tells once that it is away and once that it is back', async () => {
    const stage = new Stage()
    const waits: number[] = []
    for (let asked = 1; asked <= 7; asked++) {
      const sinceMs = stage.nowMs
      while (stage.paths.length < asked) {
        stage.registry.lookup(7)
        if (stage.paths.length < asked) stage.nowMs++
      }
      waits.push(stage.nowMs - sinceMs)
      await stage.fail('connect ECONNREFUSED')
    }
    expect(waits).toEqual([0, 100, 200, 400, 800, 1600, 2000])
    expect(stage.registry.trouble).toBe('connect ECONNREFUSED')
    stage.nowMs += 2_000
    stage.status(7)
    await stage.answer(200, SCHEMA)
    expect(stage.registry.trouble).toBe(undefined)
    expect(stage.told).toEqual(['away: connect ECONNREFUSED', 'back'])
  })

  it('that is slow is in trouble until it answers', async () => {
    const stage = new Stage()
    stage.status(7)
    expect(stage.registry.trouble).toBe(undefined)
    stage.nowMs = 2_001
    expect(stage.registry.trouble).toBe('no answer for 2001 ms')
    await stage.answer(200, SCHEMA)
    expect(stage.registry.trouble).toBe(undefined)
  })

  it('is in no trouble for an id that nobody needs any more', async () => {
    const stage = new Stage()
    stage.status(7)
    await stage.fail('gone')
    stage.nowMs = 30_001
    expect(stage.registry.trouble).toBe(undefined)
  })

  it('that is closed is not asked', () => {
    const stage = new Stage()
    stage.registry.close()
    stage.registry.close()
    expect(stage.status(7)).toBe('held')
    expect(stage.paths).toEqual([])
  })
})
