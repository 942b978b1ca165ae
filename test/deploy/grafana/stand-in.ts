import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Alerting } from './stand-in-alerting.ts'
import { type Answer, type Json, Refused, text } from './stand-in-answer.ts'

/** Actions of Grafana's access control that each request needs, by method and path, as its documentation lists them. */
const ACTIONS: readonly (readonly [method: string, path: RegExp, action: string])[] = [
  ['GET', /^\/api\/datasources/, 'datasources:read'],
  ['GET', /^\/api\/search/, 'folders:read'],
  ['POST', /^\/api\/folders$/, 'folders:create'],
  ['GET', /^\/api\/dashboards\/uid\//, 'dashboards:read'],
  ['POST', /^\/api\/dashboards\/db$/, 'dashboards:write'],
  ['GET', /^\/api\/v1\/provisioning\//, 'alert.provisioning:read'],
  ['POST', /^\/api\/v1\/provisioning\//, 'alert.provisioning:write'],
  ['PUT', /^\/api\/v1\/provisioning\//, 'alert.provisioning:write'],
]

export const ALL_ACTIONS = [...new Set(ACTIONS.map(([, , action]) => action)), 'dashboards:create']

interface StoredDashboard {
  readonly model: Json
  readonly folderUid: string
  readonly provisioned: boolean
  readonly messages: readonly string[]
}

/** Answers as Grafana's HTTP API is documented to: its rights, codes, conflicts and provenances. */
export class GrafanaStandIn {
  version: string | undefined = '13.1.2'
  database = 'ok'
  /** The path of a Grafana that is not at the root of its host. */
  prefix = ''
  token = 'glsa_right'
  actions: readonly string[] = ALL_ACTIONS
  sources: Json[] = [{ uid: 'prom', name: 'Prometheus', type: 'prometheus' }]
  folders: { uid: string; title: string }[] = []
  dashboards = new Map<string, StoredDashboard>()
  readonly alerting: Alerting = new Alerting((uid) => this.folders.some((folder) => folder.uid === uid))
  /** `METHOD path` of each request in turn. */
  readonly requests: string[] = []
  /** Called before a request is answered; it may change the state, or say that the connection is cut. */
  before: (request: string) => 'cut' | undefined = () => undefined
  readonly #server: Server = createHttpServer((request, response) => this.#take(request, response))

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** The writes among the requests. */
  get writes(): string[] {
    return this.requests.filter((request) => !request.startsWith('GET '))
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const said = `${request.method} ${decodeURIComponent(this.#url(request).pathname)}`
      this.requests.push(said)
      if (this.before(said) === 'cut') {
        request.socket.destroy()
        return
      }
      const { code, body } = this.#answer(request, Buffer.concat(chunks).toString())
      response.writeHead(code, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(body))
    })
  }

  #answer(request: IncomingMessage, sent: string): Answer {
    const { pathname, searchParams } = this.#url(request)
    const path = pathname.split('/').map(decodeURIComponent)
    try {
      if (!(request.url ?? '').startsWith(this.prefix)) throw new Refused(404, 'Not found')
      if (pathname === '/api/health') return this.#health()
      if (request.headers.authorization !== `Bearer ${this.token}`) throw new Refused(401, 'Invalid API key')
      const needed = ACTIONS.find(([method, pattern]) => method === request.method && pattern.test(pathname))?.[2]
      if (needed !== undefined && !this.actions.includes(needed))
        throw new Refused(403, `You'll need additional permissions: ${needed}`)
      const body = request.method === 'GET' ? {} : parsed(request, sent)
      if (path[2] === 'v1')
        return this.alerting.answer(`${request.method}`, path.slice(4), body, 'x-disable-provenance' in request.headers)
      return this.#core(`${request.method} ${pathname}`, path, body, searchParams)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      return { code: error.code, body: { message: error.message, ...error.more } }
    }
  }

  #url(request: IncomingMessage): URL {
    return new URL((request.url ?? '').slice(this.prefix.length), 'http://host')
  }

  #health(): Answer {
    const version = this.version === undefined ? {} : { version: this.version }
    return { code: this.database === 'ok' ? 200 : 503, body: { commit: 'c0ffee', database: this.database, ...version } }
  }

  #core(request: string, path: readonly string[], body: Json, query: URLSearchParams): Answer {
    const uid = path[4] ?? ''
    if (request === 'GET /api/org') return { code: 200, body: { id: 1, name: 'Main Org.' } }
    if (request === 'GET /api/frontend/settings') return { code: 200, body: { buildInfo: { version: '13.1.2' } } }
    if (request === 'GET /api/access-control/user/permissions')
      return { code: 200, body: Object.fromEntries(this.actions.map((action) => [action, ['*']])) }
    if (request === 'GET /api/datasources') return { code: 200, body: this.sources }
    if (request.startsWith('GET /api/datasources/uid/'))
      return found(
        this.sources.find((source) => source.uid === uid),
        'Data source not found',
      )
    if (request === 'GET /api/search')
      return { code: 200, body: query.get('type') === 'dash-folder' ? this.folders : [] }
    if (request === 'POST /api/folders') return this.#makeFolder(body)
    if (request === 'POST /api/dashboards/db') return this.#saveDashboard(body)
    if (request.startsWith('GET /api/dashboards/uid/')) return this.#dashboard(uid, path[5] === 'versions')
    throw new Refused(404, 'Not found')
  }

  #makeFolder({ title }: Json): Answer {
    if (typeof title !== 'string' || title === '') throw new Refused(400, 'folder title cannot be empty')
    if (this.folders.some((folder) => folder.title === title))
      throw new Refused(409, 'a folder with the same name already exists')
    const folder = { uid: `folder-${this.folders.length + 1}`, title }
    this.folders.push(folder)
    return { code: 200, body: folder }
  }

  #dashboard(uid: string, versions: boolean): Answer {
    const stored = this.dashboards.get(uid)
    if (stored === undefined) throw new Refused(404, 'Dashboard not found')
    if (versions)
      return {
        code: 200,
        body: {
          continueToken: '',
          versions: stored.messages.map((message, i) => ({ version: i + 1, message })).reverse(),
        },
      }
    const { folderUid, provisioned, model } = stored
    return {
      code: 200,
      body: { dashboard: model, meta: { url: `${this.prefix}/d/${uid}/warming`, folderUid, provisioned } },
    }
  }

  #saveDashboard({ dashboard, folderUid, message, overwrite }: Json): Answer {
    const { uid, version } = dashboard as { uid: string; version?: number }
    const stored = this.dashboards.get(uid)
    if (!this.folders.some((folder) => folder.uid === folderUid)) throw new Refused(400, 'folder not found')
    if (stored?.provisioned === true) throw new Refused(400, 'Cannot save provisioned dashboard')
    if (stored !== undefined && overwrite !== true && stored.model.version !== version)
      throw new Refused(412, 'The dashboard has been changed by someone else', { status: 'version-mismatch' })
    const next = ((stored?.model.version as number | undefined) ?? 0) + 1
    this.dashboards.set(uid, {
      model: { ...(dashboard as Json), id: 7, version: next },
      folderUid: text(folderUid),
      provisioned: false,
      messages: [...(stored?.messages ?? []), text(message)],
    })
    return { code: 200, body: { id: 7, uid, url: `${this.prefix}/d/${uid}/warming`, status: 'success', version: next } }
  }
}

function parsed(request: IncomingMessage, sent: string): Json {
  if (!(request.headers['content-type'] ?? '').startsWith('application/json'))
    throw new Refused(400, 'bad request data')
  try {
    return JSON.parse(sent) as Json
  } catch {
    throw new Refused(400, 'bad request data')
  }
}

function found(value: Json | undefined, otherwise: string): Answer {
  if (value === undefined) throw new Refused(404, otherwise)
  return { code: 200, body: value }
}
