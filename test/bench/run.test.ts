import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'

const ROOT = resolve(import.meta.dirname, '../..')

function bench(...args: readonly string[]) {
  return spawnSync(process.execPath, ['--expose-gc', join(ROOT, 'bench/run.ts'), ...args], { encoding: 'utf8' })
}

describe('npm run bench', () => {
  test('answers --help with its usage', () => {
    expect(bench('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Names: pipeline'), stderr: '' })
  })

  test.each([
    [['--json'], 'Which benchmark?'],
    [['pipeline', 'speed'], 'No benchmark is called speed.'],
    [['soak', '--fast'], "Unknown option '--fast'"],
    [['soak', '--against', 'no-such-commit'], 'No commit is called no-such-commit.'],
    [['soak', '--against', 'HEAD', '--pairs', '5'], 'takes a whole number from 6 on.'],
    [['soak', '--pairs', '20'], '--pairs goes with --against'],
  ])('answers %j with its usage and exit code 2', (args, complaint) => {
    const { status, stdout, stderr } = bench(...args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(complaint)
    expect(stderr).toContain('Usage: npm run bench -- <name…>')
  })
})
