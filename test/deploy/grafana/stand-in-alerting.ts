import { type Answer, type Json, Refused, text } from './stand-in-answer.ts'

export interface StoredRule extends Json {
  uid: string
  title: string
  folderUID: string
  ruleGroup: string
  provenance: string
}

/** Settings that Grafana keeps encrypted and never shows again, by the type of the contact point. */
const SECRETS: Record<string, string> = { pagerduty: 'integrationKey', slack: 'url' }
const REDACTED = '[REDACTED]'

/** The provisioning API of Grafana's alerting. */
export class Alerting {
  rules: StoredRule[] = []
  intervals = new Map<string, number>()
  contacts: Json[] = [{ uid: '', name: 'email receiver', type: 'email', settings: { addresses: 'a@b' } }]
  policies: Json = { receiver: 'email receiver', group_by: ['grafana_folder', 'alertname'] }
  /** Whether this Grafana is old enough to leave out `keep_firing_for`. */
  knowsKeepFiring = true
  readonly #isFolder: (uid: string) => boolean

  constructor(isFolder: (uid: string) => boolean) {
    this.#isFolder = isFolder
  }

  answer(method: string, path: readonly string[], body: Json, unlocked: boolean): Answer {
    const route = `${method} ${path[0]}`
    const provenance = unlocked ? '' : 'api'
    if (route === 'GET alert-rules' && path.length === 1) return { code: 200, body: this.rules }
    if (path[0] === 'folder' && path[2] === 'rule-groups' && path.length === 4) {
      const at = { folderUid: text(path[1]), group: text(path[3]) }
      return method === 'PUT' ? this.#putGroup(at, body, provenance) : this.#getGroup(at)
    }
    if (route === 'GET contact-points') return { code: 200, body: this.contacts.map(shown) }
    if (route === 'POST contact-points') return this.#postContact(body, provenance)
    if (route === 'PUT contact-points') return this.#putContact(text(path[1]), body, provenance)
    if (route === 'GET policies') return { code: 200, body: this.policies }
    if (route === 'PUT policies') return this.#putPolicies(body, provenance)
    throw new Refused(404, 'Not found')
  }

  #getGroup({ folderUid, group }: { folderUid: string; group: string }): Answer {
    const rules = this.rules.filter((rule) => rule.folderUID === folderUid && rule.ruleGroup === group)
    if (rules.length === 0) throw new Refused(404, 'rule group not found')
    return {
      code: 200,
      body: { title: group, folderUid, interval: this.intervals.get(`${folderUid}/${group}`), rules },
    }
  }

  /** Replaces the group: rules that are not sent are gone. */
  #putGroup(at: { folderUid: string; group: string }, body: Json, provenance: string): Answer {
    const { folderUid, group } = at
    if (!this.#isFolder(folderUid)) throw new Refused(404, 'folder not found')
    if (!Number.isInteger(body.interval) || (body.interval as number) % 10 !== 0)
      throw new Refused(400, 'interval has to be a multiple of 10 seconds')
    const sent = body.rules as Json[]
    const titles = new Set(sent.map(({ title }) => title))
    if (titles.size < sent.length) throw new Refused(400, 'a rule with the same title is in the folder')
    const rules = sent.map((rule) => this.#checkedRule(rule, at, provenance))
    const gone = this.rules.filter((rule) => rule.folderUID === folderUid && rule.ruleGroup === group)
    for (const { uid, provenance: before } of gone)
      if (!sent.some((rule) => rule.uid === uid) && before !== provenance) throw provenanceChange(before, provenance)
    const sentUids = new Set(rules.map(({ uid }) => uid))
    this.rules = [...this.rules.filter((rule) => !gone.includes(rule) && !sentUids.has(rule.uid)), ...rules]
    this.intervals.set(`${folderUid}/${group}`, body.interval as number)
    return { code: 200, body: { ...body, rules } }
  }

  #checkedRule(rule: Json, { folderUid, group }: { folderUid: string; group: string }, provenance: string): StoredRule {
    for (const field of ['title', 'condition', 'noDataState', 'execErrState', 'for']) text(rule[field])
    const uid = text(rule.uid)
    if (uid.length > 40 || !/^[\w-]+$/.test(uid)) throw new Refused(400, 'invalid uid')
    const data = rule.data as { refId: string; datasourceUid: string; model: Json }[]
    if (!data.some(({ refId }) => refId === rule.condition)) throw new Refused(400, 'condition is no query')
    const before = this.rules.find((stored) => stored.uid === uid)
    if (before !== undefined && before.provenance !== provenance) throw provenanceChange(before.provenance, provenance)
    const model = (it: Json): Json => ({ intervalMs: 1000, maxDataPoints: 43200, ...it })
    const { keep_firing_for, ...known } = rule
    const keep = this.knowsKeepFiring ? { keep_firing_for: keep_firing_for ?? '0s' } : {}
    return {
      ...known,
      ...keep,
      ...{ id: 1, orgID: 1, uid, title: text(rule.title), updated: '2026-12-01T00:00:00Z', provenance },
      ...{ folderUID: folderUid, ruleGroup: group, data: data.map((it) => ({ ...it, model: model(it.model) })) },
    }
  }

  #postContact(body: Json, provenance: string): Answer {
    const { uid } = checkedContact(body)
    if (this.contacts.some((contact) => contact.uid === uid)) throw new Refused(409, 'uid is taken')
    this.contacts.push({ ...body, provenance })
    return { code: 202, body: shown({ ...body, provenance }) }
  }

  #putContact(uid: string, body: Json, provenance: string): Answer {
    checkedContact(body)
    const before = this.contacts.find((contact) => contact.uid === uid)
    if (before === undefined) throw new Refused(404, 'contact point not found')
    if ((before.provenance ?? '') !== provenance) throw provenanceChange(text(before.provenance), provenance)
    this.contacts = this.contacts.map((contact) => (contact === before ? { ...body, uid, provenance } : contact))
    return { code: 202, body: { message: 'contactpoint updated' } }
  }

  /** Replaces the whole tree. */
  #putPolicies(body: Json, provenance: string): Answer {
    const before = (this.policies.provenance as string | undefined) ?? ''
    if (before !== provenance) throw provenanceChange(before, provenance)
    if (text(body.receiver) === '') throw new Refused(400, 'root route must specify a default receiver')
    if ('object_matchers' in body) throw new Refused(400, 'root route must not have any matchers')
    const names = new Set(this.contacts.map(({ name }) => name))
    for (const receiver of receivers(body))
      if (!names.has(receiver)) throw new Refused(400, `receiver '${receiver}' does not exist`)
    this.policies = body
    return { code: 202, body: { message: 'policies updated' } }
  }
}

function checkedContact(body: Json): { readonly uid: string } {
  text(body.name)
  const secret = SECRETS[text(body.type)]
  if (secret === undefined) throw new Refused(400, 'unknown type of contact point')
  const value = (body.settings as Json)[secret]
  if (typeof value !== 'string' || value === '' || value.startsWith('$')) throw new Refused(400, `no ${secret}`)
  return { uid: text(body.uid) }
}

function shown(contact: Json): Json {
  const secret = SECRETS[contact.type as string]
  const settings = contact.settings as Json
  return { ...contact, settings: secret === undefined ? settings : { ...settings, [secret]: REDACTED } }
}

function receivers(route: Json): string[] {
  const own = typeof route.receiver === 'string' && route.receiver !== '' ? [route.receiver] : []
  return [...own, ...((route.routes as Json[] | undefined) ?? []).flatMap(receivers)]
}

function provenanceChange(before: string, after: string): Refused {
  return new Refused(409, `cannot change provenance from '${before}' to '${after}'`)
}
