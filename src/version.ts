import { readFileSync } from 'node:fs'

/** The version of the package, found from a checkout and from a build. */
export const VERSION: string = versionAt(['../package.json', '../../package.json'])

function versionAt(places: readonly string[]): string {
  for (const place of places) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'))
      if (name === 'forewarm') return String(version)
    } catch {
      // It is not there; the next place is tried.
    }
  }
  return '0.0.0'
}
