import { Refusal } from './refusal.ts'
import { problem } from './reply.ts'

/** The ETag of a version of what operators set. */
export function tagOf(version: number): string {
  return `"${version}"`
}

/** The version that If-Match names; undefined for none, and for any (`*`). Throws a Refusal if it names something else. */
export function versionIn(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  const [, version] = /^\s*"(\d{1,15})"\s*$/.exec(ifMatch) ?? []
  if (version !== undefined) return Number(version)
  throw new Refusal(problem(400, `If-Match: expected the ETag of an answer, such as "3", or *, got ${ifMatch}`))
}
