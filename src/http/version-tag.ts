import { Refusal } from './refusal.ts'
import { problem, type Reply } from './reply.ts'

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

/** The answer to the operator who was not the first to set something: `winner` is in force. */
export function overtaken(version: number, winner: object): Reply {
  const detail = `Another operator was faster: version ${version} is in force`
  return problem(409, detail, { headers: { etag: tagOf(version) }, winner })
}

/** The answer with the ETag of the version that it shows. */
export function tagged({ headers, ...reply }: Reply, version: number): Reply {
  return { ...reply, headers: { ...headers, etag: tagOf(version) } }
}
