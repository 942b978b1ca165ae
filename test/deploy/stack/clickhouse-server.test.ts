import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startClickHouse } from '../../../deploy/stack/clickhouse-server.ts'

let home: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'forewarm-no-clickhouse-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

test('a ClickHouse server that ends at once is reported as ended, and its folder is deleted', async () => {
  const program = join(home, 'clickhouse-server')
  writeFileSync(program, '#!/bin/sh\npwd > "$0.cwd"\nexit 70\n')
  chmodSync(program, 0o755)
  await expect(startClickHouse(program)).rejects.toThrow('clickhouse-server ended with code 70')
  const directory = readFileSync(`${program}.cwd`, 'utf8').trim()
  expect([directory.includes('forewarm-clickhouse-'), existsSync(directory)]).toEqual([true, false])
})
