/** How bad it is, and by that who is told. */
export type Severity = 'critical' | 'warning' | 'info' | 'capacity'

/** What a rule is made of. Prometheus rules, Grafana's and the runbook are written from it. */
export interface Alert {
  readonly name: string
  readonly severity: Severity
  /** Whether a detector waits for it. */
  readonly layer: 'hot-path' | 'background'
  /** PromQL that has a result for each chain (or node) of which it is true. */
  readonly expression: string
  readonly for: string
  /** One line; `{{ $labels.chain }}` and `{{ $value }}` are filled in. */
  readonly summary: string
  /** For the runbook, in sentences. */
  readonly means: string
  readonly see: string
  readonly todo: readonly string[]
}

/** With fewer warms a second, a ratio of them says nothing. */
export const FEWEST_WARMS = '0.1'

/** How long an alert goes on firing after its condition has ended, so that it does not come and go. */
export const KEEP_FIRING: Readonly<Record<Severity, string>> = {
  critical: '5m',
  warning: '10m',
  info: '15m',
  capacity: '15m',
}
