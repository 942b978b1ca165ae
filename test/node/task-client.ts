import type { ForewarmNode } from '../../node/node.ts'
import { until } from '../harness/until.ts'

/** A task, or a problem, as HTTP shows it. */
export interface Told {
  readonly task_id: string
  readonly status_url: string
  readonly status: string | number
  readonly is_over?: boolean
  readonly nodes?: readonly { readonly node: string; readonly status: string }[]
}

export interface Answer<T = Told> {
  readonly status: number
  readonly body: T
  readonly location: string | null
}

export async function asked<T = Told>(node: ForewarmNode, path: string, body?: unknown): Promise<Answer<T>> {
  const posting = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(`http://127.0.0.1:${node.httpPort}${path}`, posting)
  return { status: response.status, location: response.headers.get('location'), body: (await response.json()) as T }
}

export function wished(node: ForewarmNode, wish: unknown): Promise<Answer> {
  return asked(node, '/cache/warm/intelligent', wish)
}

export function statusOf(node: ForewarmNode, taskId: string): Promise<Answer> {
  return asked(node, `/cache/warm/status/${taskId}`)
}

/** The task when it is over, as the node tells of it. */
export async function ended(node: ForewarmNode, taskId: string): Promise<Told> {
  let told: Told | undefined
  await until('the task is over', async () => {
    told = (await statusOf(node, taskId)).body
    return told.is_over === true
  })
  if (told === undefined) throw new Error('no status')
  return told
}
