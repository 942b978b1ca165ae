import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { readAccesses } from '../../src/simulate/traffic/access-trace.ts'
import { readPriceTape } from '../../src/simulate/traffic/price-tape.ts'

let folder: string
let good: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-bytes-'))
  good = join(folder, 'good.ndjson')
  await writeFile(good, PRICES)
})
afterAll(() => rm(folder, { recursive: true }))

const PRICES = ['a', 'b', 'a']
  .map((pair, at) => JSON.stringify({ pair, chain: 'c', price: 1, group: 'g', eventTimeMs: 1_783_715_268_000 + at }))
  .join('\n')
const WHOLE = ['a\nb\na\n', PRICES, 'pair,event\na,e\nb,e\n', ''].map((text) => Buffer.from(text))

/** A good file, perhaps packed, that was cut off or has some other bytes. */
const damaged = fc
  .record({
    whole: fc.constantFrom(...WHOLE, ...WHOLE.map((bytes) => gzipSync(bytes))),
    cut: fc.option(fc.nat(400), { nil: undefined }),
    patches: fc.array(fc.tuple(fc.nat(400), fc.uint8Array({ minLength: 1, maxLength: 4 })), { maxLength: 3 }),
  })
  .map(({ whole, cut, patches }) => {
    const bytes = Buffer.from(whole.subarray(0, cut))
    for (const [at, patch] of patches) if (bytes.length > 0) bytes.set(patch.subarray(0, 1), at % bytes.length)
    return bytes
  })
const bytes = fc.oneof(
  damaged,
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
)

/** The error of a reader; undefined if it had none. */
function errorOf(reading: Promise<unknown>): Promise<(Error & { code?: string }) | undefined> {
  return reading.then(
    () => undefined,
    (error: Error & { code?: string }) => error,
  )
}

test.each(['any.txt', 'any.txt.gz'])(
  'any bytes in %s are read, or lead to an error that names the file',
  async (name) => {
    const path = join(folder, name)
    const common = { maxReads: 8, spacingUs: 50 }
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        await writeFile(path, content)
        const errors = await Promise.all([
          errorOf(
            readAccesses(path).then(({ accesses, keys }) => {
              expect(accesses.length).toBeGreaterThan(0)
              expect(new Set(accesses).size).toBe(keys)
            }),
          ),
          errorOf(readPriceTape({ ...common, prices: path, events: undefined })),
          errorOf(readPriceTape({ ...common, prices: good, events: path })),
        ])
        for (const error of errors) {
          if (error === undefined) continue
          expect(error.message).toContain(name)
          expect(['bad-file', 'corrupt-recording']).toContain(error.code)
        }
      }),
      { numRuns: 150 },
    )
  },
)
