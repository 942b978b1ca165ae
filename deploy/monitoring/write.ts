import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { monitoringFiles } from './files.ts'

const ROOT = resolve(import.meta.dirname, '../..')

for (const [path, text] of monitoringFiles()) {
  const file = join(ROOT, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
