/** Alerting as Grafana's HTTP API takes it. The files that Grafana reads at its start have another form. */
export interface Alerting {
  readonly groups: readonly {
    readonly title: string
    readonly interval: number
    readonly rules: readonly Fields[]
  }[]
  readonly contactPoints: readonly Fields[]
  /** The branch of the notification policies for alerts of warming. */
  readonly policy: Fields
}

type Fields = Readonly<Record<string, unknown>>
type Matcher = readonly string[]

interface Route extends Fields {
  readonly receiver?: string
  readonly object_matchers?: readonly Matcher[]
  readonly matchers?: readonly string[]
  readonly routes?: readonly Route[]
}

interface AlertingFile {
  readonly groups?: readonly { readonly name: string; readonly interval: string; readonly rules: readonly Fields[] }[]
  readonly contactPoints?: readonly { readonly name: string; readonly receivers: readonly Fields[] }[]
  readonly policies?: readonly Route[]
}

const WARMING: Matcher = ['component', '=', 'warming']
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** The files of Grafana's provisioning, parsed, in the form of its API. */
export function alertingOf(documents: readonly unknown[]): Alerting {
  const files = documents as readonly AlertingFile[]
  const groups = files.flatMap((file) => file.groups ?? [])
  const points = files.flatMap((file) => file.contactPoints ?? [])
  const routes = files.flatMap((file) => file.policies ?? []).flatMap((policy) => policy.routes ?? [])
  return {
    groups: groups.map(({ name, interval, rules }) => ({
      title: name,
      interval: secondsOf(interval),
      rules: plain(rules).map(ruleOf),
    })),
    contactPoints: points.flatMap(({ name, receivers }) => receivers.map((receiver) => ({ ...plain(receiver), name }))),
    policy: branchOf(routes.map(canonical)),
  }
}

/** The API spells this field its own way. */
function ruleOf({ keepFiringFor, ...rule }: Fields): Fields {
  return keepFiringFor === undefined ? rule : { ...rule, keep_firing_for: keepFiringFor }
}

/** One policy above all of ours, so that the script finds it again in a tree of others. */
function branchOf(routes: readonly Route[]): Fields {
  const [only] = routes
  if (routes.length === 1 && only !== undefined && only.routes !== undefined) return only
  const others = (matchers: readonly Matcher[] = []) => matchers.filter(([name]) => name !== WARMING[0])
  return {
    object_matchers: [WARMING],
    routes: routes.map((route) => ({ ...route, object_matchers: others(route.object_matchers) })),
  }
}

/** The API takes matchers as lists of three; files may have them as text, such as `severity = "critical"`. */
function canonical({ matchers = [], routes, ...route }: Route): Route {
  const parsed = matchers.map((text) => {
    const [, name = '', operator = '', value = ''] = /^\s*(\w+)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*$/.exec(text) ?? []
    return [name, operator, value]
  })
  return {
    ...route,
    object_matchers: [...(route.object_matchers ?? []), ...parsed],
    ...(routes !== undefined && { routes: routes.map(canonical) }),
  }
}

function secondsOf(duration: string): number {
  return [...duration.matchAll(/(\d+)([smh])/g)].reduce(
    (sum, [, n, unit = 's']) => sum + Number(n) * (SECONDS[unit] ?? 1),
    0,
  )
}

/** In files `$NAME` is a variable of the environment and `$$` a dollar. The script knows variables as `${NAME}` alone. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, inner) => {
    if (typeof inner !== 'string') return inner
    const variable = /^\$\{?([A-Z][A-Z_]+)\}?$/.exec(inner)?.[1]
    return variable === undefined ? inner.replaceAll('$$', () => '$') : `\${${variable}}`
  })
}
