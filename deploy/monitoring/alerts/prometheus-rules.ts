import { type Alert, KEEP_FIRING, type Severity } from './alert.ts'

const GROUPS: readonly Severity[] = ['critical', 'warning', 'info', 'capacity']

/** The place of the runbook in an installation's own address. */
export function runbookOf(name: string, base: string): string {
  return `${base}/${name}.md`
}

/** What each rule says besides its expression, in Prometheus as in Grafana. */
export function wordsOf({ name, severity, layer, summary, means }: Alert, runbooks: string) {
  return {
    labels: { severity, component: 'warming', layer },
    annotations: { summary, description: means, runbook_url: runbookOf(name, runbooks) },
  }
}

export function bySeverity(all: readonly Alert[]): readonly { readonly severity: Severity; readonly of: Alert[] }[] {
  return GROUPS.map((severity) => ({ severity, of: all.filter((each) => each.severity === severity) }))
}

/** The rules as a file of Prometheus holds them. */
export function prometheusRules(all: readonly Alert[], runbooks: string) {
  const groups = bySeverity(all).map(({ severity, of }) => ({
    name: `warming-${severity}`,
    rules: of.map((alert) => ({
      alert: alert.name,
      expr: alert.expression,
      for: alert.for,
      keep_firing_for: KEEP_FIRING[severity],
      ...wordsOf(alert, runbooks),
    })),
  }))
  return { groups }
}
