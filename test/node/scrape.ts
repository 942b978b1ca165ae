import type { ForewarmNode } from '../../node/node.ts'

export interface Answer {
  readonly status: number
  readonly body: string
}

/** GET from the HTTP port of the node. */
export async function get(node: ForewarmNode, path: string): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${node.httpPort}${path}`)
  return { status: response.status, body: await response.text() }
}

/** The sum of all samples of `/metrics` with this name and these labels; 0 if there are none. */
export async function metricValue(
  node: ForewarmNode,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { body } = await get(node, '/metrics')
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return body
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
