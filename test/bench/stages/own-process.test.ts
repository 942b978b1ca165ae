import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from '@jest/globals'
import { startProcess } from '../../../bench/stages/own-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'own-process-'))

afterAll(() => rmSync(folder, { recursive: true }))

function program(name: string, code: string): URL {
  const file = join(folder, name)
  writeFileSync(file, code)
  return pathToFileURL(file)
}

describe('a process of its own', () => {
  test('gets its task, waits until it may go on, and answers', async () => {
    const file = program(
      'answers.mjs',
      `process.once('message', () => process.send(Float64Array.of(JSON.parse(process.argv[2]).figure)))`,
    )
    const started = startProcess<Float64Array>(file, { figure: 0.5 })
    started.goOn()
    expect(await started.answer).toEqual(Float64Array.of(0.5))
    await started.end()
    await started.end()
  })

  test('rejects if it ends without an answer', async () => {
    const file = program('ends.mjs', 'process.exit(3)')
    await expect(startProcess(file, {}).answer).rejects.toThrow(/ends\.mjs ended with code 3 before it answered/)
  })
})
