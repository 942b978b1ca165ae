/** Names from this length on may have two slips. With two slips, a shorter name is too often another word. */
const TWO_SLIPS_FROM = 8
/** No known name is as long. The distances to a text of any length would take as long as it is. */
const LONGEST = 256

/** The known name that was probably meant: at most two letters are wrong, missing or swapped, whatever the case. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > LONGEST) return undefined
  const wanted = name.toLowerCase()
  let best: string | undefined
  let bestDistance = (wanted.length >= TWO_SLIPS_FROM ? 2 : 1) + 1
  for (const candidate of known) {
    const distance = slips(wanted, candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** The known names that are least unlike it, the most alike first. */
export function mostAlike(name: string, known: readonly string[], count: number): readonly string[] {
  const wanted = name.toLowerCase()
  return known.toSorted((a, b) => slips(wanted, a) - slips(wanted, b)).slice(0, count)
}

/** Damerau–Levenshtein distance, optimal string alignment. */
function slips(a: string, b: string): number {
  let twoUp: number[] = []
  let up = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(up, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min(replaced, at(up, j) + 1, at(row, j - 1) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(twoUp, j - 2) + 1)
      row.push(cost)
    }
    twoUp = up
    up = row
  }
  return at(up, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
