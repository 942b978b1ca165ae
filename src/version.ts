import { readFileSync } from 'node:fs'

/** Of the package, whether it runs from a checkout or as built. */
export const VERSION: string = versionAt(['../package.json', '../../package.json'])

function versionAt(places: readonly string[]): string {
  for (const place of places) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'))
      if (name === 'forewarm') return String(version)
    } catch {
      // Not there: the next place.
    }
  }
  return '0.0.0'
}
