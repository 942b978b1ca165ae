/** The names that lead from a value to one inside it. */
export type Path = readonly string[]

/** A path as it is written: `a.b.0.c`, or `/a/b/0/c` (JSON Pointer, RFC 6901). Undefined if it is neither. */
export function pathOf(text: string): Path | undefined {
  if (text === '') return undefined
  if (!text.startsWith('/')) return text.split('.').every((name) => name !== '') ? text.split('.') : undefined
  if (/~(?![01])/.test(text)) return undefined
  return text
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The value at the path; undefined if there is none. What an object inherits is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (let i = 0; i < path.length; i++) {
    const name = path[i] as string
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, unknown>)[name]
  }
  return at
}
