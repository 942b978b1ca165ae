/** Figures under the names that they have over HTTP: `largestBehindMs` is `largest_behind_ms`. */
export function outward(figures: object): Readonly<Record<string, unknown>> {
  const named = Object.entries(figures).map(([name, figure]) => [name.replace(/[A-Z]/g, underlined), figure])
  return Object.fromEntries(named)
}

function underlined(letter: string): string {
  return `_${letter.toLowerCase()}`
}
